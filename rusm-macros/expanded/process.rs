/// Sorts jobs out.
pub(crate) async fn job_sorter(
    mut inbox: Inbox<Job>,
    from: u64,
    (low, high): (u8, u8),
) -> Result<(), Refused> {
    while let Job::Next(job) = inbox.receive().await {
        sort(job, from, low, high)?;
    }
    Ok(())
}
/// The process [`job_sorter`](fn@job_sorter), as it is named to spawn it.
#[allow(dead_code, non_camel_case_types, unreachable_pub)]
#[derive(Debug)]
pub(crate) enum job_sorter {}
/** Sends messages to [`job_sorter`](fn@job_sorter), wherever that process is.

 Cloning it is cheap; the clones address the same process.*/
#[allow(dead_code, non_camel_case_types, private_interfaces, unreachable_pub)]
#[derive(Clone, Debug)]
pub(crate) struct JobSorterClient(
    ::rusm::__private::Address<::rusm::__private::Letter<Job>>,
);
const _: () = {
    #[automatically_derived]
    impl ::rusm::__private::Client for JobSorterClient {
        type Message = ::rusm::__private::Letter<Job>;
        fn from_address(
            address: ::rusm::__private::Address<::rusm::__private::Letter<Job>>,
        ) -> Self {
            Self(address)
        }
        fn address(
            &self,
        ) -> &::rusm::__private::Address<::rusm::__private::Letter<Job>> {
            &self.0
        }
    }
    #[allow(
        dead_code,
        non_snake_case,
        private_interfaces,
        unreachable_pub,
        clippy::too_many_arguments,
        clippy::type_complexity
    )]
    #[automatically_derived]
    impl JobSorterClient {
        /** The process that is registered as `name` on `node`, looked up again at each call.

 # Errors
 The name is not a valid one.*/
        pub(crate) fn named(
            node: &::rusm::__private::Node,
            name: &str,
        ) -> ::core::result::Result<Self, ::rusm::__private::NameError> {
            ::core::result::Result::map(
                ::rusm::__private::Address::named(node, name),
                Self,
            )
        }
        /// Whatever process is registered as `name` on the node of the caller, looked up again at each call.
        pub(crate) fn connect(name: &str) -> Self {
            Self(::rusm::__private::Address::connect(name))
        }
        /// Sends a message to [`job_sorter`](fn@job_sorter).
        pub(crate) fn send(
            &self,
            message: Job,
        ) -> ::rusm::__private::Cast<'_, ::rusm::__private::Letter<Job>, (Job,)> {
            ::rusm::__private::Cast::new(
                &self.0,
                <::rusm::__private::Letter<Job>>::METHOD,
                (message,),
                |(message,)| ::rusm::__private::Letter(message),
            )
        }
    }
    #[allow(deprecated)]
    #[automatically_derived]
    impl ::rusm::__private::RawProcess for job_sorter {
        type Args = (u64, (u8, u8));
        type Message = Job;
        type Client = JobSorterClient;
        const ENTRY: &'static ::rusm::__private::Entry = &::rusm::__private::Entry {
            kind: ::rusm::__private::EntryKind::Process,
            name: "job_sorter",
            package: ::core::env!("CARGO_PKG_NAME"),
            init: ::core::option::Option::Some({
                const fn schema<P: ::rusm::__private::RawProcess>() -> &'static ::rusm::__private::Type {
                    <P::Args as ::rusm::__private::Wire>::SCHEMA
                }
                schema::<Self>()
            }),
            methods: <::rusm::__private::Letter<
                Job,
            > as ::rusm::__private::Message>::METHODS,
            on_exit: false,
            on_terminate: false,
        };
        fn run(
            inbox: ::rusm::__private::Inbox<Job>,
            (argument_0, argument_1): <Self as ::rusm::__private::RawProcess>::Args,
        ) -> impl ::core::future::Future<
            Output = ::rusm::__private::Exit,
        > + ::core::marker::Send {
            ::rusm::__private::ended(job_sorter(inbox, argument_0, argument_1))
        }
    }
    ::rusm::__private::register_process!(job_sorter);
};
