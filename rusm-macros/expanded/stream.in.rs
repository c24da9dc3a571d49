#[actor]
impl Counter {
    #[init]
    fn start() -> Self {
        Self
    }

    /// Counts.
    #[stream]
    pub async fn count_to(&self, n: u64) -> impl Stream<Item = u64> {
        stream::iter(1..=n)
    }

    #[stream]
    pub fn lines(&mut self, cx: &mut Cx<Self>) -> impl Stream<Item = Result<String, ReadError>> + use<> {
        self.lines.subscribe(cx.pid())
    }
}

#[service]
pub trait Watched {
    #[stream]
    async fn watch(&self, since: u64) -> impl Stream<Item = Event>;
    #[stream]
    fn all(&mut self) -> impl Stream<Item = Event>;
}

#[service]
impl Watched for Memory {
    #[init]
    fn start() -> Self {
        Self
    }

    async fn watch(&self, since: u64) -> impl Stream<Item = Event> {
        self.events.since(since)
    }

    fn all(&mut self) -> impl Stream<Item = Event> {
        self.events.all()
    }
}
