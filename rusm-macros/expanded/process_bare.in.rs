#[actor]
async fn r#loop(inbox: Inbox<()>) {}
