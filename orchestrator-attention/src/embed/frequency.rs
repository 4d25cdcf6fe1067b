//! How common tokens are: document frequencies in a table of fixed size.

use serde::{Deserialize, Serialize};

/// Counters; two tokens that share one count as one, which makes both seem more common than they are.
const COUNTERS: usize = 4096;

/// A token in every document still weighs this little, so that documents of nothing else have a direction.
const IDF_MIN: f32 = 0.05;

/// The most documents that are counted: halving then keeps the shares, and lets old habits fade.
const DOCUMENTS_MAX: u32 = 1 << 16;

/// In how many documents each token occurred.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub(crate) struct DocumentFrequencies {
    documents: u32,
    counters: Vec<u32>,
    /// Logarithms of the counters, kept since a decision looks up many and an observation changes few.
    logarithms: Vec<f32>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    documents: u32,
    counters: Vec<u32>,
}

impl DocumentFrequencies {
    pub(crate) fn new() -> DocumentFrequencies {
        DocumentFrequencies {
            documents: 0,
            counters: vec![0; COUNTERS],
            logarithms: vec![0.0; COUNTERS],
        }
    }

    /// ln((1 + documents) / (1 + those with the token)): inverse document frequency (Spärck Jones, 1972), smoothed.
    pub(crate) fn idf(&self, token: u64) -> f32 {
        let all = (1.0 + self.documents as f32).ln();
        (all - self.logarithms[counter(token)]).max(IDF_MIN)
    }

    /// The same, but least for a token that was never seen: it can match nothing that is remembered, and would drown what can.
    pub(crate) fn idf_if_seen(&self, token: u64) -> f32 {
        if self.counters[counter(token)] == 0 { IDF_MIN } else { self.idf(token) }
    }

    /// Counts a document. Its tokens are put in order and made unique on the way.
    pub(crate) fn observe(&mut self, tokens: &mut Vec<u64>) {
        if self.documents == DOCUMENTS_MAX {
            self.documents /= 2;
            for at in 0..COUNTERS {
                self.counters[at] /= 2;
                self.logarithms[at] = (1.0 + self.counters[at] as f32).ln();
            }
        }
        self.documents += 1;
        tokens.iter_mut().for_each(|token| *token = counter(*token) as u64);
        tokens.sort_unstable();
        tokens.dedup();
        for &at in tokens.iter() {
            let at = at as usize;
            self.counters[at] += 1;
            self.logarithms[at] = (1.0 + self.counters[at] as f32).ln();
        }
    }
}

fn counter(token: u64) -> usize {
    // The upper bits: the lower ones choose coordinates.
    (token >> 48) as usize % COUNTERS
}

impl From<DocumentFrequencies> for Saved {
    fn from(known: DocumentFrequencies) -> Saved {
        Saved { documents: known.documents, counters: known.counters }
    }
}

impl TryFrom<Saved> for DocumentFrequencies {
    type Error = String;
    fn try_from(saved: Saved) -> Result<Self, String> {
        let Saved { documents, counters } = saved;
        if counters.len() != COUNTERS {
            return Err(format!("{} counters, there are {COUNTERS}", counters.len()));
        }
        if documents > DOCUMENTS_MAX {
            return Err(format!("{documents} documents, {DOCUMENTS_MAX} are the most"));
        }
        if counters.iter().any(|&count| count > documents) {
            return Err("a token in more documents than there are".to_owned());
        }
        let logarithms = counters.iter().map(|&count| (1.0 + count as f32).ln()).collect();
        Ok(DocumentFrequencies { documents, counters, logarithms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_everywhere_weighs_little_and_what_is_rare_much() {
        let mut known = DocumentFrequencies::new();
        let (everywhere, rare) = (1 << 48, 2 << 48);
        for at in 0..100 {
            let mut tokens = vec![everywhere, everywhere];
            if at == 0 {
                tokens.push(rare);
            }
            known.observe(&mut tokens);
        }
        assert_eq!(known.idf(everywhere), IDF_MIN);
        assert!((known.idf(rare) - (101.0_f32 / 2.0).ln()).abs() < 1e-6);
        assert!((known.idf(3 << 48) - 101.0_f32.ln()).abs() < 1e-6);
    }

    #[test]
    fn counts_stay_below_the_documents_when_they_are_halved() {
        let mut known = DocumentFrequencies::new();
        for _ in 0..DOCUMENTS_MAX + 10 {
            known.observe(&mut vec![1 << 48]);
        }
        let text = serde_json::to_string(&known).unwrap();
        let again: DocumentFrequencies = serde_json::from_str(&text).unwrap();
        assert_eq!(again, known);
        let torn = text.replace("\"documents\":", "\"documents\":9");
        assert!(serde_json::from_str::<DocumentFrequencies>(&torn).is_err());
    }
}
