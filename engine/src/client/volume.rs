//! Volumes: their names.

use bollard::query_parameters::ListVolumesOptions;

use super::Client;
use crate::EngineError;

impl Client {
    /// The names of all volumes.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn list_volumes(&self) -> Result<Vec<String>, EngineError> {
        let call = self.docker.list_volumes(None::<ListVolumesOptions>);
        let answer = self.call("list volumes", call).await?;
        Ok(answer.volumes.unwrap_or_default().into_iter().map(|volume| volume.name).collect())
    }
}
