pub struct Counter {
    total: i64,
    waiting: Vec<(Job, Reply<Done>)>,
}

#[actor]
impl Counter {
    const LIMIT: i64 = 10;

    #[init]
    async fn start(from: i64, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Self { total: from, waiting: Vec::new() })
    }

    /// Adds to the total and returns it.
    ///
    /// Overflow wraps.
    pub async fn add(&mut self, mut by: i64) -> i64 {
        self.total = self.total.wrapping_add(by);
        self.total
    }

    pub(crate) fn total(&self) -> i64 {
        self.total
    }

    /// Starts over.
    #[cast]
    pub fn reset(&mut self) {
        self.total = 0;
    }

    #[cast]
    pub async fn r#move(&mut self, cx: &mut Cx<Self>, r#type: String, reply: Vec<Self>) {}

    pub async fn split(&mut self, cx: &mut Cx<Self>, parts: u32) -> Vec<Pid> {
        Vec::new()
    }

    /// Answers later.
    pub fn slow(&mut self, job: Job, answer: Reply<Done>) {
        self.waiting.push((job, answer));
    }

    #[cfg(feature = "debug")]
    pub fn debug(&self, reply: String) -> String {
        reply
    }

    #[on(exit)]
    async fn linked_died(&mut self, cx: &mut Cx<Self>, exit: ExitSignal) {}

    #[on(down)]
    fn watched_died(&mut self, Down { pid, .. }: Down) {}

    #[on(report)]
    fn report(&self) -> String {
        String::new()
    }

    #[on(terminate)]
    async fn bye(&mut self, reason: &ExitReason) {}

    fn helper(&self) {}
}
