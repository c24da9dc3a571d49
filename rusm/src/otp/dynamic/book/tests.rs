use super::*;
use proptest::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Spec(Restart);

impl Rule for Spec {
    fn restart(&self) -> Restart {
        self.0
    }

    fn shutdown(&self) -> Option<Shutdown> {
        (self.0 == Restart::Transient).then_some(Shutdown::Brutal)
    }
}

fn pid(slot: u8) -> Pid {
    Pid::from_parts(0, 1, u32::from(slot), 1)
}

#[test]
fn an_end_before_the_word_that_it_came_up_is_not_lost() {
    for (restart, reason, again) in [
        (Restart::Permanent, ExitReason::Normal, true),
        (Restart::Transient, ExitReason::Normal, false),
        (Restart::Transient, ExitReason::Killed, true),
    ] {
        let mut book = Book::new(1);
        book.reserve().unwrap();
        book.begin(pid(1), Entry::Starting(None));
        assert_eq!(book.ended(pid(1), &reason), Verdict::Nothing);
        assert_eq!(book.started(pid(1), Spec(restart)) == Verdict::Again(Spec(restart)), again, "{restart:?} {reason}");
        assert_eq!(book.len(), usize::from(again), "its place is kept for the restart");
    }
}

#[derive(Debug, Clone)]
enum Step {
    Start(u8, Option<Restart>),
    End(u8, bool),
    Terminate(u8),
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    let restart = prop_oneof![Just(None), Just(Some(Restart::Permanent)), Just(Some(Restart::Transient)),];
    prop_oneof![
        6 => (0..8u8, restart).prop_map(|(slot, restart)| Step::Start(slot, restart)),
        6 => (0..8u8, any::<bool>()).prop_map(|(slot, orderly)| Step::End(slot, orderly)),
        2 => (0..8u8).prop_map(Step::Terminate),
        1 => Just(Step::Close),
    ]
}

proptest! {
    /// Beside a model that is a list: who is a child, who is started again, and that the bound holds.
    #[test]
    fn it_is_what_a_list_would_be(steps in proptest::collection::vec(step(), 0..60), max in 1..6usize) {
        let mut book = Book::new(max);
        let mut model: Vec<(u8, Option<Restart>)> = Vec::new();
        let mut open = true;
        for step in steps {
            match step {
                Step::Start(slot, restart) => {
                    if model.iter().any(|(known, _)| *known == slot) {
                        continue;
                    }
                    let expected = if !open { Err(Refused::Closed) } else if model.len() >= max { Err(Refused::Full) } else { Ok(()) };
                    prop_assert_eq!(book.reserve(), expected);
                    if expected.is_ok() {
                        book.begin(pid(slot), restart.map_or(Entry::Temporary(None), |restart| Entry::Kept(Spec(restart))));
                        model.push((slot, restart));
                    }
                }
                Step::End(slot, orderly) => {
                    let reason = if orderly { ExitReason::Normal } else { ExitReason::Killed };
                    let known = model.iter().position(|(known, _)| *known == slot).map(|at| model.remove(at).1);
                    let again = match known.flatten() {
                        Some(Restart::Permanent) => open,
                        Some(Restart::Transient) => open && !orderly,
                        _ => false,
                    };
                    match book.ended(pid(slot), &reason) {
                        Verdict::Again(spec) => {
                            prop_assert!(again);
                            book.begin(pid(slot), Entry::Kept(spec));
                            model.push((slot, Some(spec.0)));
                        }
                        Verdict::Nothing => prop_assert!(!again),
                    }
                }
                Step::Terminate(slot) => {
                    let known = model.iter_mut().find(|(known, _)| *known == slot);
                    let own = known.as_ref().map(|(_, restart)| restart.and_then(|restart| Spec(restart).shutdown()));
                    let gone = book.let_go(pid(slot));
                    prop_assert_eq!(gone.is_some(), known.is_some());
                    if let (Some(Some(own)), Some(gone)) = (own, gone) {
                        prop_assert_eq!(gone, Some(own), "how it is stopped is not forgotten");
                    }
                    if let Some(known) = known {
                        known.1 = None;
                    }
                }
                Step::Close => {
                    let left = book.close(Phase::Asked);
                    prop_assert_eq!(left.len(), model.len());
                    open = false;
                }
            }
            prop_assert_eq!(book.len(), model.len());
            prop_assert_eq!(book.pids().len(), model.len());
        }
    }
}
