/// Sorts jobs out.
#[actor]
pub(crate) async fn job_sorter(mut inbox: Inbox<Job>, from: u64, (low, high): (u8, u8)) -> Result<(), Refused> {
    while let Job::Next(job) = inbox.receive().await {
        sort(job, from, low, high)?;
    }
    Ok(())
}
