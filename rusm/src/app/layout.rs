//! What the manifest's names stand for, once the components' schemas are known: which entry and method a route leads
//! to, which entry a resident component is, and its arguments in bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::args::{self, Value};
use super::manifest::{Component, GatewaySettings, Manifest, Restart, Route};
use super::report::{Located, Mistakes, Problem, nearest};
use crate::wire::schema::{EntrySchema, MethodSchema, Schema, TypeSchema};
use crate::wire::{EntryKind, MethodKind};

/// The schemas of the components, by the components' names.
pub type Schemas = BTreeMap<String, Arc<Schema>>;

/// A manifest whose every name stands for something that exists.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The resident components, in the order they start in.
    pub residents: Vec<Resident>,
    /// The routes of each `[[serve]]`, in the order of the file.
    pub gateways: Vec<Vec<Target>>,
}

/// A resident component: what to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resident {
    /// The component's name, which the process registers too.
    pub component: String,
    /// The entry to start.
    pub entry: String,
    /// Its arguments, encoded.
    pub args: Vec<u8>,
    /// When it is started again.
    pub restart: Restart,
}

/// A route: what answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// GET, POST, …
    pub method: String,
    /// The pattern of the path.
    pub path: String,
    /// The component's name.
    pub component: String,
    /// The method that answers.
    pub action: MethodSchema,
}

impl Layout {
    /// Gives the manifest's names their meaning.
    ///
    /// # Errors
    /// With everything that doesn't exist or doesn't fit, by its place in `rusm.toml`.
    pub fn plan(manifest: &Manifest, schemas: &Schemas) -> Result<Self, Mistakes> {
        let mut problems = Vec::new();
        let mut residents = Vec::new();
        for component in &manifest.components {
            let Some(schema) = schemas.get(&component.name.value) else { continue };
            check_entry(component, schema, &mut problems);
            if component.resident.is_some() {
                residents.extend(resident(component, schema, &mut problems));
            }
        }
        let gateways =
            manifest.gateways.iter().map(|gateway| targets(gateway, manifest, schemas, &mut problems)).collect();
        Mistakes::check(&manifest.file, problems)?;
        Ok(Self { residents, gateways })
    }
}

fn startable(kind: EntryKind) -> bool {
    matches!(kind, EntryKind::Actor | EntryKind::Process)
}

/// The entries that the component's own package holds.
fn own<'a>(component: &'a Component, schema: &'a Schema) -> impl Iterator<Item = &'a EntrySchema> {
    schema
        .entries
        .iter()
        .map(AsRef::as_ref)
        .filter(|entry: &&EntrySchema| entry.package == component.package.value && entry.kind != EntryKind::Contract)
}

/// `entry` must name something, whether or not it is used.
fn check_entry(component: &Component, schema: &Schema, problems: &mut Vec<Problem>) {
    let Some(wanted) = &component.entry else { return };
    if !own(component, schema).any(|entry| entry.name == wanted.value) {
        let problem =
            Problem::new(format!("the package `{}` has no entry `{}`", component.package.value, wanted.value))
                .at(&wanted.span, "no #[actor], #[service] or #[handlers] of this name");
        problems.push(problem.suggest(&wanted.value, own(component, schema).map(|entry| entry.name.as_str())));
    }
}

fn resident(component: &Component, schema: &Schema, problems: &mut Vec<Problem>) -> Option<Resident> {
    let residence = component.resident.as_ref()?;
    let candidates: Vec<&EntrySchema> = own(component, schema).filter(|entry| startable(entry.kind)).collect();
    let entry = match (&component.entry, candidates.as_slice()) {
        (Some(wanted), _) => match candidates.iter().find(|entry| entry.name == wanted.value) {
            Some(entry) => *entry,
            None => {
                if own(component, schema).any(|entry| entry.name == wanted.value) {
                    problems.push(
                        Problem::new(format!("`{}` can't be resident", wanted.value))
                            .at(&wanted.span, "these are #[handlers]: they run once for each request")
                            .suggest(&wanted.value, candidates.iter().map(|entry| entry.name.as_str())),
                    );
                }
                return None;
            }
        },
        (None, [only]) => only,
        (None, []) => {
            problems.push(
                Problem::new(format!("the resident component `{}` has nothing to start", component.name.value)).at(
                    &component.name.span,
                    format!("package `{}` has no #[actor] or #[service] impl", component.package.value),
                ),
            );
            return None;
        }
        (None, several) => {
            let names: Vec<String> = several.iter().map(|entry| format!("`entry = \"{}\"`", entry.name)).collect();
            problems.push(
                Problem::new(format!("the resident component `{}` could be several things", component.name.value))
                    .at(
                        &component.name.span,
                        format!("package `{}` has {} actors", component.package.value, several.len()),
                    )
                    .help(format!("write {}", names.join(" or "))),
            );
            return None;
        }
    };
    let unit = TypeSchema::Unit;
    let init = entry.init.as_ref().unwrap_or(&unit);
    let args = match &residence.args {
        Some(args) if *init == unit && !matches!(&args.0.value, Value::Table(entries) if entries.is_empty()) => {
            problems
                .push(Problem::new(format!("`{}` takes no arguments", entry.name)).at(&args.0.span, "take this out"));
            return None;
        }
        Some(args) => args::encode(&args.0, init),
        None => absent(init, component, entry),
    };
    match args {
        Ok(args) => Some(Resident {
            component: component.name.value.clone(),
            entry: entry.name.clone(),
            args,
            restart: residence.restart,
        }),
        Err(found) => {
            problems.extend(found);
            None
        }
    }
}

/// The bytes of arguments that nobody wrote: those of a type that can do without.
fn absent(init: &TypeSchema, component: &Component, entry: &EntrySchema) -> Result<Vec<u8>, Vec<Problem>> {
    match init {
        TypeSchema::Unit => Ok(Vec::new()),
        TypeSchema::Option(_) => Ok(vec![0]),
        TypeSchema::Record { fields, .. } if fields.iter().all(|field| matches!(field.ty, TypeSchema::Option(_))) => {
            args::encode(&Located::new(Value::Table(Vec::new()), component.name.span.clone()), init)
        }
        _ => Err(vec![
            Problem::new(format!("`{}` needs arguments", entry.name))
                .at(&component.name.span, format!("its #[init] takes a {init}"))
                .help("write `args = …`"),
        ]),
    }
}

fn targets(
    gateway: &GatewaySettings,
    manifest: &Manifest,
    schemas: &Schemas,
    problems: &mut Vec<Problem>,
) -> Vec<Target> {
    let mut targets = Vec::new();
    for route in &gateway.routes {
        let Some(component) = manifest.component(&route.component) else { continue };
        let Some(schema) = schemas.get(&route.component) else { continue };
        match action(route, component, schema) {
            Ok(action) => targets.push(Target {
                method: route.method.clone(),
                path: route.path.clone(),
                component: route.component.clone(),
                action: action.clone(),
            }),
            Err(problem) => problems.push(problem),
        }
    }
    targets
}

/// The method that `component#action` means: by its last name, or by its whole name if that is not enough.
fn action<'a>(route: &Route, component: &'a Component, schema: &'a Schema) -> Result<&'a MethodSchema, Problem> {
    let known: Vec<&MethodSchema> = own(component, schema)
        .filter(|entry| entry.kind == EntryKind::Handlers)
        .filter(|entry| component.entry.as_ref().is_none_or(|wanted| wanted.value == entry.name))
        .flat_map(|entry| &entry.methods)
        .filter(|method| method.kind == MethodKind::Request)
        .collect();
    let last = |method: &MethodSchema| method.name.rsplit("::").next().unwrap_or_default().to_owned();
    let found: Vec<&MethodSchema> =
        known.iter().copied().filter(|method| method.name == route.action || last(method) == route.action).collect();
    match found.as_slice() {
        [only] => Ok(only),
        [] if known.is_empty() => Err(Problem::new(format!("route to the component `{}`", route.component))
            .at(&route.target, format!("package `{}` has no #[handlers]", component.package.value))),
        [] => {
            let names: Vec<String> = known.iter().map(|method| last(method)).collect();
            let problem = Problem::new(format!("route to the unknown action `{}#{}`", route.component, route.action))
                .at(&route.target, "no handler of this name");
            Err(match nearest(&route.action, names.iter().map(String::as_str)) {
                Some(near) => problem.help(format!("did you mean `{}#{near}`?", route.component)),
                None => problem.suggest("", names.iter().map(String::as_str)),
            })
        }
        several => {
            let names: Vec<String> =
                several.iter().map(|method| format!("`{}#{}`", route.component, method.name)).collect();
            Err(Problem::new(format!("`{}` is an action of several #[handlers]", route.action))
                .at(&route.target, "which one?")
                .help(format!("write {}", names.join(" or "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::wire::schema::FieldSchema;

    fn method(name: &str) -> MethodSchema {
        MethodSchema {
            name: name.into(),
            kind: MethodKind::Request,
            args: Vec::new(),
            output: TypeSchema::Unit,
            doc: String::new(),
            id: 0,
            fingerprint: 0,
        }
    }

    fn entry(kind: EntryKind, name: &str, init: Option<TypeSchema>, methods: &[&str]) -> EntrySchema {
        EntrySchema {
            kind,
            name: name.into(),
            package: "shop".into(),
            init,
            methods: methods.iter().map(|name| method(name)).collect(),
            on_exit: false,
            on_terminate: false,
        }
    }

    fn config() -> TypeSchema {
        let field = |name: &str, ty| FieldSchema { name: name.into(), ty };
        TypeSchema::Record {
            name: "Config".into(),
            fields: vec![
                field("currency", TypeSchema::String),
                field("limit", TypeSchema::Option(Box::new(TypeSchema::U8))),
            ],
        }
    }

    fn plan(text: &str, entries: Vec<EntrySchema>) -> Result<Layout, Vec<String>> {
        let manifest = Manifest::parse(Path::new("rusm.toml"), text, &|_| None).unwrap();
        let schema = Arc::new(Schema { entries: entries.into_iter().map(Arc::new).collect() });
        let schemas =
            manifest.components.iter().map(|component| (component.name.value.clone(), Arc::clone(&schema))).collect();
        Layout::plan(&manifest, &schemas)
            .map_err(|mistakes| mistakes.problems().iter().map(|problem| problem.title().to_owned()).collect())
    }

    const SERVE: &str = "[components.shop]\n[[serve]]\nlisten = '127.0.0.1:0'\n[serve.routes]\n";

    #[test]
    fn actions_are_found_by_their_last_or_whole_name() {
        let entries = || {
            vec![
                entry(EntryKind::Handlers, "items", None, &["items::show", "items::list"]),
                entry(EntryKind::Handlers, "carts", None, &["carts::show"]),
            ]
        };
        let found = |action: &str| {
            plan(&format!("{SERVE}'GET /' = 'shop#{action}'"), entries())
                .map(|layout| layout.gateways[0][0].action.name.clone())
        };
        assert_eq!(found("list").as_deref(), Ok("items::list"));
        assert_eq!(found("carts::show").as_deref(), Ok("carts::show"));
        assert_eq!(found("show"), Err(vec!["`show` is an action of several #[handlers]".into()]));
        assert_eq!(found("shwo"), Err(vec!["route to the unknown action `shop#shwo`".into()]));
    }

    #[test]
    fn an_entry_narrows_the_actions() {
        let text =
            format!("{SERVE}'GET /' = 'shop#show'").replace("[components.shop]", "[components.shop]\nentry = 'carts'");
        let entries = vec![
            entry(EntryKind::Handlers, "items", None, &["items::show"]),
            entry(EntryKind::Handlers, "carts", None, &["carts::show"]),
        ];
        assert_eq!(plan(&text, entries).unwrap().gateways[0][0].action.name, "carts::show");
    }

    #[test]
    fn a_route_needs_handlers() {
        let found = plan(&format!("{SERVE}'GET /' = 'shop#a'"), vec![entry(EntryKind::Actor, "Cart", None, &[])]);
        assert_eq!(found.unwrap_err(), ["route to the component `shop`"]);
    }

    #[test]
    fn residents_are_the_only_actor_or_the_one_that_is_named() {
        let entries = || {
            vec![
                entry(EntryKind::Contract, "Cart", None, &[]),
                entry(EntryKind::Actor, "MemoryCart", Some(config()), &[]),
                entry(EntryKind::Handlers, "items", None, &[]),
            ]
        };
        let text = |more: &str| format!("[components.shop]\nresident = true\n{more}");
        let layout = plan(&text("args = { currency = 'EUR' }"), entries()).unwrap();
        assert_eq!(
            layout.residents,
            [Resident {
                component: "shop".into(),
                entry: "MemoryCart".into(),
                args: vec![3, b'E', b'U', b'R', 0],
                restart: Restart::Permanent,
            }]
        );
        for (more, expected) in [
            ("", "`MemoryCart` needs arguments"),
            ("args = 1", "`args` must be a Config { currency: string, limit: option<u8> }"),
            ("args = { currency = 'EUR' }\nentry = 'MemoryCrt'", "the package `shop` has no entry `MemoryCrt`"),
            ("entry = 'items'", "`items` can't be resident"),
            ("package = 'other'", "the resident component `shop` has nothing to start"),
        ] {
            let found = plan(&text(more), entries()).unwrap_err();
            assert_eq!(found, [expected], "{more}");
        }
        let mut two = entries();
        two.push(entry(EntryKind::Process, "worker", None, &[]));
        assert_eq!(
            plan(&text(""), two.clone()).unwrap_err(),
            ["the resident component `shop` could be several things"]
        );
        assert_eq!(plan(&text("entry = 'worker'"), two.clone()).unwrap().residents[0].args, Vec::<u8>::new());
        assert_eq!(plan(&text("entry = 'worker'\nargs = 1"), two).unwrap_err(), ["`worker` takes no arguments"]);
    }

    #[test]
    fn what_may_be_absent_is() {
        for (init, bytes) in [
            (TypeSchema::Unit, vec![]),
            (TypeSchema::Option(Box::new(TypeSchema::U8)), vec![0]),
            (TypeSchema::Record { name: "Empty".into(), fields: Vec::new() }, vec![]),
        ] {
            let layout =
                plan("[components.shop]\nresident = true", vec![entry(EntryKind::Actor, "A", Some(init), &[])]);
            assert_eq!(layout.unwrap().residents[0].args, bytes);
        }
    }
}
