//! Rows, as a table and as JSON.

use crate::rounds::Sample;
use crate::stats::{median, ratio};
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// One of our figures beside those of its peers.
#[derive(Debug)]
pub(crate) struct Row {
    name: String,
    unit: &'static str,
    ours: Figure,
    peers: Vec<(&'static str, Figure, f64)>,
}

/// Which of two figures is the better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    Higher,
    Lower,
}

/// The median of the rounds.
#[derive(Debug, Clone, Copy)]
struct Figure {
    value: f64,
    p50: f64,
    p99: f64,
}

impl Figure {
    fn new(samples: &[Sample]) -> Self {
        Self {
            value: median(&values(samples)),
            p50: median(&samples.iter().map(|sample| sample.p50).collect::<Vec<_>>()),
            p99: median(&samples.iter().map(|sample| sample.p99).collect::<Vec<_>>()),
        }
    }
}

fn values(samples: &[Sample]) -> Vec<f64> {
    samples.iter().map(|sample| sample.value).collect()
}

impl Row {
    /// Rates of the same rounds.
    pub(crate) fn rates(name: impl Into<String>, ours: &[Sample], peers: &[(&'static str, &[Sample])]) -> Self {
        Self::new(name, "1/s", Better::Higher, ours, peers)
    }

    /// Figures of the same rounds; where ours are better, the ratio is above 1.
    pub(crate) fn new(
        name: impl Into<String>,
        unit: &'static str,
        better: Better,
        ours: &[Sample],
        peers: &[(&'static str, &[Sample])],
    ) -> Self {
        let ratio = |theirs: &[Sample]| match better {
            Better::Higher => ratio(&values(ours), &values(theirs)),
            Better::Lower => ratio(&values(theirs), &values(ours)),
        };
        let peers = peers.iter().map(|(name, theirs)| (*name, Figure::new(theirs), ratio(theirs))).collect();
        Self { name: name.into(), unit, ours: Figure::new(ours), peers }
    }

    /// A figure without a peer.
    pub(crate) fn alone(name: impl Into<String>, unit: &'static str, value: f64) -> Self {
        Self { name: name.into(), unit, ours: Figure { value, p50: 0.0, p99: 0.0 }, peers: Vec::new() }
    }
}

/// For people.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = format!("{:28}{:>14} {:4}{:>10}{:>10}  ratio to peer\n", "", "ours", "", "p50 us", "p99 us");
    for row in rows {
        // Writing to a string can't fail.
        let _ = write!(text, "{:28}{:>14} {:4}", row.name, figure(row.ours.value), row.unit);
        let _ = write!(text, "{:>10}{:>10}", latency(row.ours.p50), latency(row.ours.p99));
        for (name, theirs, ratio) in &row.peers {
            let _ = write!(text, "  {ratio:.3} of {name} ({}", figure(theirs.value));
            if theirs.p99 > 0.0 {
                let _ = write!(text, ", p50 {:.0}, p99 {:.0}", theirs.p50, theirs.p99);
            }
            text.push(')');
        }
        text.push('\n');
    }
    text
}

fn latency(micros: f64) -> String {
    if micros > 0.0 { format!("{micros:.0}") } else { String::new() }
}

/// Small ones with what makes a difference.
fn figure(value: f64) -> String {
    if value < 100.0 && value.fract() != 0.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}

/// As many digits as are worth telling.
fn rounded(value: f64) -> f64 {
    if value < 100.0 { (value * 1e3).round() / 1e3 } else { value.round() }
}

/// For programs.
pub(crate) fn json(rows: &[Row]) -> String {
    format!("{:#}\n", value(rows))
}

/// [`json()`], to add to.
pub(crate) fn value(rows: &[Row]) -> Value {
    json!({ "rows": rows.iter().map(row).collect::<Vec<_>>() })
}

fn row(row: &Row) -> Value {
    let by_peer = |value: &dyn Fn(&Figure, f64) -> f64| -> Map<String, Value> {
        row.peers.iter().map(|(name, theirs, ratio)| ((*name).to_owned(), json!(value(theirs, *ratio)))).collect()
    };
    let mut object = json!({
        "name": row.name,
        "unit": row.unit,
        "ours": rounded(row.ours.value),
        "peers": by_peer(&|theirs, _| rounded(theirs.value)),
        "ratios": by_peer(&|_, ratio| (ratio * 1e4).round() / 1e4),
    });
    if row.ours.p99 > 0.0 {
        object["p50_us"] = json!(row.ours.p50);
        object["p99_us"] = json!(row.ours.p99);
        object["peers_p50_us"] = Value::Object(by_peer(&|theirs, _| theirs.p50));
        object["peers_p99_us"] = Value::Object(by_peer(&|theirs, _| theirs.p99));
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let samples = |rates: [f64; 3], p99| rates.map(|value| Sample { value, p50: p99 / 2.0, p99 });
        let ours = samples([50.0, 60.0, 40.0], 8.0);
        let theirs = samples([100.0, 100.0, 100.0], 2.0);
        let less = Row::new("call", "us", Better::Lower, &[Sample::only(0.125)], &[("other", &[Sample::only(0.5)])]);
        vec![Row::rates("hello", &ours, &[("hyper", &theirs)]), Row::alone("size", "B", 7.0), less]
    }

    #[test]
    fn rows_as_json() {
        let value: Value = serde_json::from_str(&json(&rows())).unwrap();
        assert_eq!(
            value,
            json!({ "rows": [
                { "name": "hello", "unit": "1/s", "ours": 50.0, "peers": { "hyper": 100.0 }, "ratios": { "hyper": 0.5 },
                  "p50_us": 4.0, "p99_us": 8.0, "peers_p50_us": { "hyper": 1.0 }, "peers_p99_us": { "hyper": 2.0 } },
                { "name": "size", "unit": "B", "ours": 7.0, "peers": {}, "ratios": {} },
                { "name": "call", "unit": "us", "ours": 0.125, "peers": { "other": 0.5 }, "ratios": { "other": 4.0 } },
            ] })
        );
    }

    #[test]
    fn rows_as_a_table() {
        let table = table(&rows());
        let lines: Vec<_> = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(lines[1], "hello 50 1/s 4 8 0.500 of hyper (100, p50 1, p99 2)");
        assert_eq!(lines[2], "size 7 B");
        assert_eq!(lines[3], "call 0.12 us 4.000 of other (0.50)");
    }
}
