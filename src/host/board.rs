//! Where a run writes what it is at, for others to read; and where `landfall confirm` reaches it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::clock;
use crate::run_state::{Activity, Answer, Question, RunState};

/// What a run is at. The thread that works writes it, the one that answers reads it.
#[derive(Debug)]
pub struct Board {
    posted: Mutex<Posted>,
    confirmed: watch::Sender<bool>,
}

#[derive(Debug)]
struct Posted {
    run: RunState,
    deadline: Option<Instant>,
}

impl Board {
    /// Of a run of this process that begins now.
    pub fn new(command: &str) -> Self {
        let run = RunState {
            command: command.to_owned(),
            pid: std::process::id(),
            since: clock::now(),
            scope: None,
            activity: Activity::Preparing,
        };
        Self {
            posted: Mutex::new(Posted { run, deadline: None }),
            confirmed: watch::Sender::new(false),
        }
    }

    /// What is posted now.
    pub fn state(&self) -> RunState {
        self.lock().state()
    }

    /// The run has a scope of its own.
    pub fn in_scope(&self, name: String) {
        self.lock().run.scope = Some(name);
    }

    /// The run is at something else.
    pub fn post(&self, activity: Activity) {
        self.lock().run.activity = activity;
    }

    /// Answers a question. To confirm works once the run waits for it and while time is left.
    pub fn answer(&self, question: Question) -> Answer {
        let mut posted = self.lock();
        let waits = matches!(posted.run.activity, Activity::Confirming { .. })
            && posted.deadline.is_some_and(|deadline| Instant::now() < deadline);
        let confirmed = question == Question::Confirm && waits;
        if confirmed {
            posted.run.activity = Activity::Finishing;
            self.confirmed.send_replace(true);
        }
        Answer { confirmed, run: posted.state() }
    }

    /// From now on the run may be confirmed, for so long; returns when that time is over.
    pub fn open_confirmation(&self, within: Duration) -> Instant {
        let deadline = Instant::now() + within;
        let mut posted = self.lock();
        posted.deadline = Some(deadline);
        posted.run.activity = Activity::Confirming { seconds_left: 0 };
        deadline
    }

    /// Returns once the run is confirmed.
    pub async fn confirmed(&self) {
        // The sender lives in `self`, so the wait cannot fail.
        let _ = self.confirmed.subscribe().wait_for(|confirmed| *confirmed).await;
    }

    /// Ends the wait: whether the run was confirmed. From here on it cannot be any more.
    pub fn close_confirmation(&self) -> bool {
        let mut posted = self.lock();
        let confirmed = *self.confirmed.borrow();
        if !confirmed {
            posted.run.activity = Activity::Undoing { number: 0, of: 0 };
        }
        confirmed
    }

    fn lock(&self) -> MutexGuard<'_, Posted> {
        self.posted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Posted {
    fn state(&self) -> RunState {
        let mut run = self.run.clone();
        if let (Activity::Confirming { seconds_left }, Some(deadline)) =
            (&mut run.activity, self.deadline)
        {
            let left = deadline.saturating_duration_since(Instant::now());
            *seconds_left = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        }
        run
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_does_not_wait_cannot_be_confirmed() {
        let board = Board::new("install");
        let answer = board.answer(Question::Confirm);
        assert_eq!((answer.confirmed, answer.run.activity), (false, Activity::Preparing));
        assert!(!board.close_confirmation());
    }

    #[test]
    fn confirmed_in_time_it_is_kept() {
        let board = Board::new("install");
        board.open_confirmation(Duration::from_secs(3600));
        let state = board.answer(Question::State);
        assert!(!state.confirmed, "to look is not to confirm");
        assert_eq!(state.run.activity, Activity::Confirming { seconds_left: 3600 });
        assert!(board.answer(Question::Confirm).confirmed);
        assert!(board.close_confirmation());
        assert_eq!(board.state().activity, Activity::Finishing);
    }

    #[test]
    fn after_the_deadline_it_is_too_late() {
        let board = Board::new("install");
        board.open_confirmation(Duration::ZERO);
        assert!(!board.answer(Question::Confirm).confirmed);
        assert!(!board.close_confirmation());
        assert!(!board.answer(Question::Confirm).confirmed, "it is being undone");
    }
}
