%% The BEAM's side of the native rows. Each line of input is a row, a parameter and an amount; the answer is what was done
%% and the nanoseconds that it took.
-module(bench).
-behaviour(gen_server).
-export([main/0, init/1, handle_call/3, handle_cast/2, child/0, child/2]).

-define(MESSAGE, <<0:128>>).
-define(SENDERS, 1000).
-define(MEMBERS, 1000).
-define(WAITING, 100000).
-define(BATCH, 100000).
-define(FAR, 3600000).

main() ->
    %% Crashes are what is measured.
    logger:set_primary_config(level, none),
    rows().

rows() ->
    case io:get_line("") of
        Line when is_list(Line) ->
            [Row, Parameter, Amount] = string:lexemes(string:trim(Line), " "),
            {Count, Nanos} = row(list_to_atom(Row), list_to_integer(Parameter), list_to_integer(Amount)),
            io:format("~b ~b~n", [Count, Nanos]),
            rows();
        _ ->
            halt()
    end.

now_ns() -> erlang:monotonic_time(nanosecond).

alive() -> erlang:system_info(process_count).

settled(Alive) ->
    case alive() =< Alive of
        true -> ok;
        false -> erlang:yield(), settled(Alive)
    end.

wait(0) -> ok;
wait(N) -> receive done -> wait(N - 1) end.

times(0, _) -> ok;
times(N, Do) -> Do(), times(N - 1, Do).

each(Amount, Of) -> max(1, (Amount + Of - 1) div Of).

row(spawn, Spawners, Amount) -> spawn_rows(Spawners, Amount, 0, 0);
row(parked, _, Amount) ->
    erlang:garbage_collect(),
    Before = resident(),
    times(Amount, fun() -> spawn(fun() -> receive stop -> ok end end) end),
    {Amount, resident() - Before};
row(ping_pong, Pairs, Amount) ->
    Each = each(Amount, Pairs),
    Main = self(),
    Pingers = [spawn(fun() -> pinger(Main, Each) end) || _ <- lists:seq(1, Pairs)],
    wait(Pairs),
    Began = now_ns(),
    [Pinger ! ?MESSAGE || Pinger <- Pingers],
    wait(Pairs),
    {Each * Pairs, now_ns() - Began};
row(fan_in, _, Amount) ->
    Each = each(Amount, ?SENDERS),
    Main = self(),
    Sink = spawn(fun() -> sink(Main, Each * ?SENDERS) end),
    Senders = [spawn(fun() -> receive M -> times(Each, fun() -> Sink ! M end) end end) || _ <- lists:seq(1, ?SENDERS)],
    Began = now_ns(),
    [Sender ! ?MESSAGE || Sender <- Senders],
    wait(1),
    {Each * ?SENDERS, now_ns() - Began};
row(ring, _, Amount) ->
    Main = self(),
    Opener = spawn(fun() -> receive {next, Next} -> member(Main, Next) end end),
    Last = lists:foldl(fun(_, Next) -> spawn(fun() -> member(Main, Next) end) end, Opener, lists:seq(2, ?MEMBERS)),
    Opener ! {next, Last},
    Began = now_ns(),
    Opener ! <<Amount:64, 0:64>>,
    wait(1),
    Took = now_ns() - Began,
    Opener ! stop,
    {Amount, Took};
row(call, Clients, Amount) ->
    Each = each(Amount, Clients),
    {ok, Server} = gen_server:start(?MODULE, [], []),
    Main = self(),
    Call = fun() -> gen_server:call(Server, ?MESSAGE) end,
    Callers = [spawn(fun() -> receive _ -> times(Each, Call), Main ! done end end) || _ <- lists:seq(1, Clients)],
    Began = now_ns(),
    [Caller ! ?MESSAGE || Caller <- Callers],
    wait(Clients),
    Took = now_ns() - Began,
    gen_server:stop(Server),
    {Each * Clients, Took};
row(selective_call, _, Amount) ->
    {ok, Server} = gen_server:start(?MODULE, [], []),
    Main = self(),
    spawn_opt(
        fun() ->
            times(?WAITING, fun() -> self() ! ?MESSAGE end),
            Began = now_ns(),
            times(Amount, fun() -> gen_server:call(Server, ?MESSAGE) end),
            Main ! {took, now_ns() - Began}
        end,
        [{message_queue_data, off_heap}]
    ),
    Took = receive {took, T} -> T end,
    gen_server:stop(Server),
    {Amount, Took};
row(name_send, _, Amount) ->
    Main = self(),
    {Sink, Ref} = spawn_monitor(fun() -> sink(Main, Amount) end),
    register(bench_sink, Sink),
    Began = now_ns(),
    spawn(fun() -> times(Amount, fun() -> bench_sink ! ?MESSAGE end) end),
    wait(1),
    Took = now_ns() - Began,
    receive {'DOWN', Ref, _, _, _} -> ok end,
    {Amount, Took};
row(timer_cancel, _, Amount) ->
    Main = self(),
    Began = now_ns(),
    spawn(fun() ->
        times(Amount, fun() -> erlang:cancel_timer(erlang:send_after(?FAR, self(), ?MESSAGE)) end),
        Main ! done
    end),
    wait(1),
    {Amount, now_ns() - Began};
row(cascade, _, Amount) ->
    Alive = alive(),
    Main = self(),
    Hub = spawn(fun() ->
        times(Amount, fun() -> spawn_link(fun() -> receive stop -> ok end end) end),
        Main ! done,
        receive stop -> ok end
    end),
    wait(1),
    Began = now_ns(),
    exit(Hub, kill),
    settled(Alive),
    {Amount, now_ns() - Began};
row(downs, _, Amount) ->
    Main = self(),
    spawn(fun() ->
        All = [spawn_monitor(fun() -> receive stop -> ok end end) || _ <- lists:seq(1, Amount)],
        Began = now_ns(),
        [One ! stop || {One, _} <- All],
        times(Amount, fun() -> receive {'DOWN', _, _, _, _} -> ok end end),
        Main ! {took, now_ns() - Began}
    end),
    {Amount, receive {took, T} -> T end};
row(restart_exit, _, Amount) -> restarts(Amount, fun() -> ok end);
row(restart_panic, _, Amount) -> restarts(Amount, fun() -> error(crash) end);
row(supervisor, _, Amount) ->
    Main = self(),
    Children = [#{id => N, start => {?MODULE, child, [Main, N]}} || N <- lists:seq(1, Amount)],
    Began = now_ns(),
    {ok, Supervisor} = supervisor:start_link(?MODULE, {supervisor, {#{}, Children}}),
    receive {first, First} -> exit(First, kill) end,
    receive {first, _} -> ok end,
    stop(Supervisor),
    {Amount, now_ns() - Began};
row(dynamic, _, Amount) ->
    Child = #{id => child, start => {?MODULE, child, []}, restart => temporary},
    Began = now_ns(),
    {ok, Supervisor} = supervisor:start_link(?MODULE, {supervisor, {#{strategy => simple_one_for_one}, [Child]}}),
    times(Amount, fun() -> {ok, _} = supervisor:start_child(Supervisor, []) end),
    stop(Supervisor),
    {Amount, now_ns() - Began};
row(call_named, _, Amount) ->
    Server = #{id => server, start => {gen_server, start_link, [{local, bench_server}, ?MODULE, [], []]}},
    {ok, Supervisor} = supervisor:start_link(?MODULE, {supervisor, {#{}, [Server]}}),
    Main = self(),
    Began = now_ns(),
    spawn(fun() -> times(Amount, fun() -> gen_server:call(bench_server, ?MESSAGE) end), Main ! done end),
    wait(1),
    Took = now_ns() - Began,
    stop(Supervisor),
    {Amount, Took}.

%% The least that a restart can be: no supervisor, a process that starts the next one when one has ended.
restarts(Amount, Life) ->
    Main = self(),
    Began = now_ns(),
    spawn(fun() ->
        process_flag(trap_exit, true),
        times(Amount, fun() -> spawn_link(Life), receive {'EXIT', _, _} -> ok end end),
        Main ! done
    end),
    wait(1),
    {Amount, now_ns() - Began}.

stop(Supervisor) ->
    unlink(Supervisor),
    Ref = monitor(process, Supervisor),
    exit(Supervisor, shutdown),
    receive {'DOWN', Ref, _, _, _} -> ok end.

child() -> {ok, spawn_link(fun() -> receive stop -> ok end end)}.

%% The first one says so.
child(Main, 1) ->
    {ok, First} = child(),
    Main ! {first, First},
    {ok, First};
child(_, _) ->
    child().

spawn_rows(Spawners, Amount, Count, Took) when Count < Amount ->
    Each = min(?BATCH, each(Amount - Count, Spawners)),
    Main = self(),
    Alive = alive(),
    Began = now_ns(),
    times(Spawners, fun() ->
        spawn(fun() -> times(Each, fun() -> spawn(fun() -> ok end) end), Main ! done end)
    end),
    wait(Spawners),
    settled(Alive),
    spawn_rows(Spawners, Amount, Count + Each * Spawners, Took + now_ns() - Began);
spawn_rows(_, _, Count, Took) ->
    {Count, Took}.

pinger(Main, Rounds) ->
    Me = self(),
    Ponger = spawn(fun() -> times(Rounds, fun() -> receive Ball -> Me ! Ball end end) end),
    Main ! done,
    receive Ball -> ping(Ponger, Ball, Rounds) end,
    Main ! done.

ping(_, _, 0) -> ok;
ping(Ponger, Ball, Rounds) ->
    Ponger ! Ball,
    receive Back -> ping(Ponger, Back, Rounds - 1) end.

sink(Main, 0) -> Main ! done;
sink(Main, N) -> receive _ -> sink(Main, N - 1) end.

member(Main, Next) ->
    receive
        <<0:64, _:64>> -> Main ! done, member(Main, Next);
        <<Left:64, Tail:64>> -> Next ! <<(Left - 1):64, Tail:64>>, member(Main, Next);
        stop -> Next ! stop
    end.

resident() ->
    {ok, Text} = file:read_file("/proc/self/smaps_rollup"),
    {match, [Kilobytes]} = re:run(Text, "Rss: +([0-9]+) kB", [{capture, all_but_first, list}]),
    list_to_integer(Kilobytes) * 1024.

init({supervisor, Tree}) -> {ok, Tree};
init(_) -> {ok, none}.

handle_call(Value, _, State) -> {reply, Value, State}.

handle_cast(_, State) -> {noreply, State}.
