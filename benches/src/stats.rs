//! What several rounds come to.

/// The middle of the values, or the mean of the two in the middle; 0 of none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        even if even % 2 == 0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
        _ => sorted[middle],
    }
}

/// The median over the rounds of ours to theirs.
///
/// The two values of a round were measured right after each other, so what slows the machine down for longer
/// than that slows both down and leaves the ratio as it is.
pub(crate) fn ratio(ours: &[f64], theirs: &[f64]) -> f64 {
    let rounds = ours.iter().zip(theirs).filter(|(_, theirs)| **theirs > 0.0);
    median(&rounds.map(|(ours, theirs)| ours / theirs).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        for (values, expected) in
            [(&[][..], 0.0), (&[3.0], 3.0), (&[4.0, 1.0], 2.5), (&[9.0, 1.0, 2.0], 2.0), (&[4.0, 1.0, 100.0, 2.0], 3.0)]
        {
            assert_eq!(median(values), expected, "{values:?}");
        }
    }

    #[test]
    fn a_ratio_is_that_of_the_middle_round() {
        // The second round was slow for both, the third for us only.
        assert_eq!(ratio(&[50.0, 5.0, 1.0], &[100.0, 10.0, 100.0]), 0.5);
        assert_eq!(ratio(&[1.0], &[0.0]), 0.0);
        assert_eq!(ratio(&[], &[]), 0.0);
    }
}
