//! Asks a daemon what it is, and with an image archive runs a container from it.
//!
//! ```text
//! probe /run/docker.sock
//! probe /run/docker.sock image.tar ARGUMENT…
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example prints")]

use std::{env, error::Error, path::Path, process::ExitCode, time::Duration};

use landfall_engine::{Client, ContainerSpec, LOAD_STALL_LIMIT};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match probe(env::args().skip(1)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("probe: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn probe(mut arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let socket = arguments.next().ok_or("usage: probe SOCKET [ARCHIVE [ARGUMENT…]]")?;
    let client = Client::connect(Path::new(&socket), Duration::from_secs(30)).await?;
    describe(&client).await?;
    match arguments.next() {
        Some(archive) => run(&client, &archive, arguments.collect()).await,
        None => Ok(()),
    }
}

async fn describe(client: &Client) -> Result<(), Box<dyn Error>> {
    client.ping().await?;
    println!("speaking API {}", client.api_version());
    println!("{:#?}", client.version().await?);
    println!("{:#?}", client.info().await?);
    Ok(())
}

async fn run(client: &Client, archive: &str, command: Vec<String>) -> Result<(), Box<dyn Error>> {
    let file = tokio::fs::File::open(archive).await?;
    let loaded =
        client.load_image(file, LOAD_STALL_LIMIT, |sent| println!("{sent} bytes sent")).await?;
    println!("loaded {loaded:?}");
    let image = loaded.into_iter().next().ok_or("the archive holds no image")?;

    let spec = ContainerSpec { image: image.clone(), command, ..ContainerSpec::default() };
    let id = client.create_container(&spec).await?;
    client.start_container(&id).await?;
    let status = client.wait_container(&id, Duration::from_secs(600)).await?;
    let logs = client.logs_container(&id, 1024 * 1024).await?;
    println!("ended with {status}: {}", String::from_utf8_lossy(&logs.stdout));

    client.remove_container(&id, false).await?;
    client.remove_image(&image).await?;
    Ok(())
}
