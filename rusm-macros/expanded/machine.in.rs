#[state]
enum Phase {
    Shut,
    Opening { left: u32 },
    Open(u32),
}

pub struct Door {
    passed: u32,
}

#[actor(state = Phase)]
impl Door {
    #[init]
    fn start() -> Self {
        Self { passed: 0 }
    }

    #[cast]
    pub fn open(&mut self, cx: &mut Cx<Self>) {
        cx.to(Phase::Open(1));
    }

    #[postpone(Phase::Shut | Phase::Opening { .. })]
    pub fn pass(&mut self, who: String) -> u32 {
        self.passed
    }

    #[cfg(feature = "many")]
    #[cast]
    #[postpone(Phase::Open(left) if left < many)]
    pub fn pass_all(&mut self, many: u32) {}

    #[on(enter)]
    async fn entered(&mut self, from: Option<Phase>, cx: &mut Cx<Self>) {}

    #[on(timeout)]
    fn timed_out(&mut self, timeout: Timeout) {}

    #[on(terminate)]
    fn bye(&mut self) {}
}
