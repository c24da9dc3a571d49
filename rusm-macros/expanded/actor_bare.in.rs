struct Idle;

#[actor]
impl Idle {
    #[init]
    fn start(left: u8, right: Option<Box<str>>) -> Idle {
        Idle
    }
}
