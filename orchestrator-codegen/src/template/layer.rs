//! A layer of code, as a generator hands it on.

use crate::language::Language;
use crate::python::Section;

/// A layer that has been assembled.
pub(crate) struct Layer {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) language: Language,
    pub(crate) source: String,
    pub(crate) sha256: String,
    /// The tokens that its template was cut into.
    pub(crate) tokens: usize,
    /// Where its constants are.
    pub(crate) sections: Vec<Section>,
}
