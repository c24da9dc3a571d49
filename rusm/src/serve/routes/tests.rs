use super::*;
use proptest::prelude::*;

fn table(patterns: &[&str]) -> Routes<String> {
    let mut routes = Routes::default();
    for pattern in patterns {
        routes.insert(pattern, (*pattern).to_owned()).unwrap();
    }
    routes
}

/// `pattern name=value …`, or what the table says instead.
fn show(found: Found<'_, String>) -> String {
    match found {
        Found::Target { target, params } => {
            params.iter().fold(target.clone(), |text, (name, value)| format!("{text} {name}={value}"))
        }
        Found::WrongMethod { allow } => format!("405 {allow}"),
        Found::Options { allow } => format!("204 {allow}"),
        Found::Nothing => "404".to_owned(),
        Found::BadPath(reason) => format!("400 {reason}"),
    }
}

#[test]
fn requests_and_their_routes() {
    let routes = table(&[
        "GET /",
        "GET /items",
        "POST /items",
        "GET /items/:id",
        "DELETE /items/:item",
        "GET /items/new",
        "POST /items/new/now",
        "GET /items/:id/edit",
        "GET /feed/*",
        "GET /feed/live",
        "HEAD /feed/:name",
        "ANY /any",
        "GET /any/*rest",
        "PUT /dir/",
        "OPTIONS /own",
        "GET /own",
        "GET /a%20b",
    ]);
    for (request, expected) in [
        ("GET /", "GET /"),
        ("POST /", "405 GET, HEAD, OPTIONS"),
        ("GET /items", "GET /items"),
        ("HEAD /items", "GET /items"),
        ("POST /items", "POST /items"),
        ("PUT /items", "405 GET, HEAD, OPTIONS, POST"),
        ("OPTIONS /items", "204 GET, HEAD, OPTIONS, POST"),
        ("GET /items/", "404"),
        ("GET //", "404"),
        ("GET /items/7", "GET /items/:id id=7"),
        ("DELETE /items/7", "DELETE /items/:item item=7"),
        ("GET /items/new", "GET /items/new"),
        // The most specific pattern that has the method.
        ("DELETE /items/new", "DELETE /items/:item item=new"),
        ("PUT /items/new", "405 DELETE, GET, HEAD, OPTIONS"),
        // Back from the dead end behind the literal.
        ("GET /items/new/edit", "GET /items/:id/edit id=new"),
        ("GET /items/a%2Fb%20c", "GET /items/:id id=a/b c"),
        ("GET /items/%zz", "GET /items/:id id=%zz"),
        ("GET /items/%ff", "400 the path is not UTF-8"),
        ("GET /items/../x", "400 the path has a . or .. segment"),
        ("GET /items/%2e%2E", "400 the path has a . or .. segment"),
        ("GET /items/a%2F..%2F..%2Fsecret", "400 the path has a . or .. segment"),
        ("GET /items/..%5Csecret", "400 the path has a . or .. segment"),
        ("GET /items/a%00b", "400 the path has a NUL"),
        ("GET items", "400 the path doesn't begin with a slash"),
        ("GET /feed", "GET /feed/* *="),
        ("GET /feed/", "GET /feed/* *="),
        ("GET /feed/a/b%20c/", "GET /feed/* *=a/b c/"),
        ("GET /feed/live", "GET /feed/live"),
        ("HEAD /feed/live", "GET /feed/live"),
        ("HEAD /feed/x", "HEAD /feed/:name name=x"),
        ("HEAD /feed/x/y", "GET /feed/* *=x/y"),
        ("GET /feedback", "404"),
        ("PATCH /any", "ANY /any"),
        ("OPTIONS /any", "ANY /any"),
        ("GET /any", "ANY /any"),
        ("GET /any/x", "GET /any/*rest rest=x"),
        ("PUT /dir/", "PUT /dir/"),
        ("PUT /dir", "404"),
        ("OPTIONS /own", "OPTIONS /own"),
        ("PUT /own", "405 GET, HEAD, OPTIONS"),
        ("GET /%61%20b", "GET /a%20b"),
        ("OPTIONS *", "204 DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
        ("GET *", "400 the path doesn't begin with a slash"),
    ] {
        let (method, path) = request.split_once(' ').unwrap();
        assert_eq!(show(routes.find(method, path)), expected, "{request}");
    }
}

#[test]
fn patterns_that_are_none() {
    for (pattern, part) in [
        ("", "write a method"),
        ("GET", "write a method"),
        ("/items", "write a method"),
        ("GET items", "begins with a slash"),
        ("GET /a b", "\"GET /a b\" is no route"),
        ("GET /a?x=1", "is no route"),
        ("get /a", "no method get; did you mean GET?"),
        ("PSOT /a", "no method PSOT; did you mean POST?"),
        ("GET /a//b", "\"\" is empty"),
        ("GET /:", "has no name"),
        ("GET /:a.b", "\":a.b\" is a parameter with more"),
        ("GET /a*", "\"a*\" mixes"),
        ("GET /{id}", "\"{id}\" mixes"),
        ("GET /*/a", "\"*\" is a wildcard before the end"),
        ("GET /*a:b", "is a wildcard with more"),
        ("GET /:a/x/:a", "has the name of an earlier one"),
        ("GET /:a/*a", "has the name of an earlier one"),
        ("GET /..", "has a . or .. segment"),
        ("GET /%ff", "is not UTF-8"),
    ] {
        let error = Routes::default().insert(pattern, ()).unwrap_err().to_string();
        assert!(error.contains(part) && error.contains(&format!("{pattern:?}")), "{pattern}: {error}");
    }
}

#[test]
fn the_same_requests_twice() {
    for (earlier, pattern) in [
        ("GET /a", "GET /a"),
        ("GET /:a", "GET /:b"),
        ("GET /x/*", "GET /x/*rest"),
        ("GET /a%62", "GET /ab"),
        ("ANY /:a/:b", "ANY /:c/:d"),
    ] {
        let mut routes = table(&[earlier]);
        let error = routes.insert(pattern, String::new()).unwrap_err();
        assert_eq!(error, RouteError::Conflict { pattern: pattern.to_owned(), earlier: earlier.to_owned() });
        assert!(routes.insert(&pattern.replace("GET", "PUT").replace("ANY", "PUT"), String::new()).is_ok());
    }
}

/// The rules, applied to every pattern in turn.
fn naive(patterns: &[Pattern], method: &str, path: &str) -> String {
    let path = split(path).unwrap();
    let accepts = |pattern: &&Pattern| {
        let mut at = 0;
        for segment in &pattern.segments {
            match segment {
                Segment::Wildcard(_) => return true,
                Segment::Literal(text) if path.get(at).is_some_and(|part| part == text) => {}
                Segment::Param(_) if path.get(at).is_some_and(|part| !part.is_empty()) => {}
                _ => return false,
            }
            at += 1;
        }
        at == path.len()
    };
    // Left to right, literal before parameter before wildcard; the end is better than a wildcard.
    let rank = |pattern: &&&Pattern| {
        let kinds = pattern.segments.iter().map(|segment| match segment {
            Segment::Literal(_) => 1,
            Segment::Param(_) => 2,
            Segment::Wildcard(_) => 3,
        });
        let how = if pattern.method == method {
            0
        } else if pattern.method == ANY {
            2
        } else {
            1
        };
        (kinds.collect::<Vec<_>>(), how)
    };
    let accepting: Vec<_> = patterns.iter().filter(accepts).collect();
    let serves = |pattern: &&&Pattern| {
        pattern.method == method || pattern.method == ANY || (method == "HEAD" && pattern.method == "GET")
    };
    match accepting.iter().filter(serves).min_by_key(|pattern| rank(pattern)) {
        Some(pattern) => {
            let params = pattern.params(&path);
            params.iter().fold(pattern.text.clone(), |text, (name, value)| format!("{text} {name}={value}"))
        }
        None if accepting.is_empty() => "404".to_owned(),
        None => {
            let known = accepting.iter().map(|pattern| pattern.method.as_str()).collect();
            format!("{} {}", if method == "OPTIONS" { 204 } else { 405 }, allow(&known))
        }
    }
}

fn pattern() -> impl Strategy<Value = String> {
    let method = prop::sample::select(vec!["GET", "HEAD", "PUT", "OPTIONS", "ANY"]);
    let segments = prop::collection::vec(prop::sample::select(vec!["a", "b", ":"]), 0..4);
    (method, segments, prop::sample::select(vec!["", "/", "*"])).prop_map(|(method, segments, end)| {
        let mut path = String::new();
        for (i, segment) in segments.iter().enumerate() {
            path.push('/');
            path.push_str(segment);
            if *segment == ":" {
                path.push_str(&format!("p{i}"));
            }
        }
        match end {
            "*" => path.push_str("/*"),
            end if path.is_empty() || !end.is_empty() => path.push('/'),
            _ => {}
        }
        format!("{method} {path}")
    })
}

proptest! {
    #[test]
    fn the_tree_is_no_other_than_the_rules(
        patterns in prop::collection::vec(pattern(), 0..12),
        method in prop::sample::select(vec!["GET", "HEAD", "PUT", "OPTIONS", "PATCH"]),
        path in "(/[abc]?){1,5}",
        reverse: bool,
    ) {
        let mut routes = Routes::default();
        let mut taken = Vec::new();
        for text in patterns {
            if routes.insert(&text, text.clone()).is_ok() {
                taken.push(text);
            }
        }
        if reverse {
            taken.reverse();
            routes = table(&taken.iter().map(String::as_str).collect::<Vec<_>>());
        }
        let patterns: Vec<_> = taken.iter().map(|text| Pattern::parse(text).unwrap()).collect();
        prop_assert_eq!(show(routes.find(method, &path)), naive(&patterns, method, &path));
    }

    #[test]
    fn any_path_is_answered(path: String) {
        let _ = table(&["GET /:a/b", "GET /*"]).find("GET", &path);
    }
}
