//! What a rendered template is cut into: pieces of code, some of which depend on a decision.
//!
//! Markers stand on lines of their own: `begin("a", "b")` … `end()` hold what is there if one of these blocks is kept,
//! `unless("a")` … `end()` what is there if none is, and `data("NAME", …)` is where a constant goes. A token consists of whole
//! lines, so that its indentation is that of the template, and stays right whatever is left out around it.

use memchr::memchr2;
use serde::{Deserialize, Serialize};

use crate::template::fault::Fault;
use crate::text::count_lines;

/// Frames a marker in rendered text. Nothing else that is rendered holds these characters: literals escape them, and templates
/// that do are refused.
pub(crate) const OPEN: char = '\u{2}';
pub(crate) const CLOSE: char = '\u{3}';

/// A piece of a rendered template: whole lines that stay or go together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScriptToken {
    /// The lines.
    pub text: String,
    /// Whether it depends on a decision.
    pub kind: TokenKind,
    /// The feature that it listens to, if it belongs to a block.
    pub feature: Option<String>,
    /// θ's weight for that feature, times the block's own; 1 for code that always stays.
    pub weight: f64,
    /// The innermost block that it belongs to.
    pub block: Option<String>,
    /// All that must hold for it to stay.
    pub guards: Vec<Guard>,
    /// Where it stands in the rendered template.
    pub span: Span,
    /// The constant that it holds, if it is data.
    #[serde(default)]
    pub data: Option<Constant>,
}

/// Whether a token depends on a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// Always there.
    Core,
    /// There if a block is kept.
    Block,
    /// There if a block is not kept.
    Otherwise,
    /// A constant: what differs between scripts of the same blocks.
    Data,
}

/// A constant of a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Constant {
    /// What it is called in the script.
    pub name: String,
    /// The input whose value it has; or `plan` or `parts`, of a layer that writes another one.
    pub source: String,
}

/// A condition on the decisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// The blocks it asks about.
    pub any_of: Vec<String>,
    /// True: at least one of them is kept. False: none is.
    pub kept: bool,
}

impl Guard {
    /// Whether it holds when these blocks are kept.
    pub fn holds(&self, kept: &[&str]) -> bool {
        self.any_of.iter().any(|block| kept.contains(&block.as_str())) == self.kept
    }
}

/// Lines of a rendered template, counted from 1, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The first line.
    pub line_first: usize,
    /// The last line.
    pub line_last: usize,
}

/// Cuts rendered text at its markers. `is_there` says whether the template still has a block: what belongs to one that it has
/// not is dropped here.
pub(crate) fn tokenise(
    shown: &str,
    rendered: &str,
    is_there: impl Fn(&str) -> bool,
    listens_to: impl Fn(&str) -> (String, f64),
) -> Result<Vec<ScriptToken>, Fault> {
    let fault = |line: usize, reason: &str, remedy: &str| {
        Fault::new(format!("{shown} (as rendered)"), line, "", reason, remedy)
    };
    let mut tokens = Vec::new();
    let mut guards: Vec<Guard> = Vec::new();
    let mut current: Option<ScriptToken> = None;
    let (mut rest, mut line) = (rendered, 0);
    while !rest.is_empty() {
        let (plain, marked, after) = to_marker(rest);
        rest = after;
        if !plain.is_empty() {
            let token = current.get_or_insert_with(|| begin(&guards, line + 1, &listens_to));
            token.text.push_str(plain);
            line += count_lines(plain);
            token.span.line_last = line;
        }
        if marked.is_empty() {
            break;
        }
        line += 1;
        let marker = marked.trim().strip_prefix(OPEN).and_then(|rest| rest.strip_suffix(CLOSE));
        let Some(marker) = marker.filter(|marker| !marker.contains([OPEN, CLOSE])) else {
            return Err(fault(line, "a marker shares its line", "give it a line of its own"));
        };
        tokens.extend(current.take());
        if marker == "/" {
            guards.pop().ok_or_else(|| {
                fault(line, "an end without a begin", "remove it, or begin a block before")
            })?;
        } else if let Some((name, source)) =
            marker.strip_prefix('=').and_then(|rest| rest.split_once(':'))
        {
            let constant = Constant { name: name.to_owned(), source: source.to_owned() };
            let token = begin(&guards, line, &listens_to);
            tokens.push(ScriptToken { kind: TokenKind::Data, data: Some(constant), ..token });
        } else {
            guards.push(Guard {
                any_of: marker[1..].split(',').map(str::to_owned).collect(),
                kept: marker.starts_with('+'),
            });
        }
    }
    tokens.extend(current);
    if !guards.is_empty() {
        return Err(fault(line, "a begin without an end", "end the block"));
    }
    Ok(pruned(tokens, is_there))
}

/// The lines before the next one that holds what frames a marker, that line, and those after it.
fn to_marker(text: &str) -> (&str, &str, &str) {
    let Some(frame) = memchr2(OPEN as u8, CLOSE as u8, text.as_bytes()) else {
        return (text, "", "");
    };
    let begin = text[..frame].rfind('\n').map_or(0, |end| end + 1);
    let end = text[frame..].find('\n').map_or(text.len(), |end| frame + end + 1);
    (&text[..begin], &text[begin..end], &text[end..])
}

/// Without the tokens and guards of blocks that the template does not have: those are never kept.
fn pruned(tokens: Vec<ScriptToken>, is_there: impl Fn(&str) -> bool) -> Vec<ScriptToken> {
    let prune = |mut token: ScriptToken| {
        for guard in &mut token.guards {
            guard.any_of.retain(|block| is_there(block));
        }
        let possible = token.guards.iter().all(|guard| !guard.any_of.is_empty() || !guard.kept);
        token.guards.retain(|guard| !guard.any_of.is_empty());
        possible.then_some(token)
    };
    tokens.into_iter().filter_map(prune).collect()
}

fn begin(
    guards: &[Guard],
    line: usize,
    listens_to: &impl Fn(&str) -> (String, f64),
) -> ScriptToken {
    let block = guards.last().map(|guard| guard.any_of[0].clone());
    let listening = block.as_deref().map(listens_to);
    let kind = match guards.last() {
        None => TokenKind::Core,
        Some(guard) if guard.kept => TokenKind::Block,
        Some(_) => TokenKind::Otherwise,
    };
    ScriptToken {
        text: String::new(),
        kind,
        weight: listening.as_ref().map_or(1.0, |(_, weight)| *weight),
        feature: listening.map(|(feature, _)| feature),
        block,
        guards: guards.to_vec(),
        span: Span { line_first: line, line_last: line },
        data: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(source: &str) -> Result<Vec<ScriptToken>, Fault> {
        let text = source.replace('[', "\u{2}").replace(']', "\u{3}");
        tokenise("t", &text, |block| block != "gone", |_| ("f".into(), 0.5))
    }

    fn assemble(tokens: &[ScriptToken], kept: &[&str]) -> String {
        let stays = |token: &&ScriptToken| token.guards.iter().all(|guard| guard.holds(kept));
        tokens.iter().filter(stays).map(|token| token.text.as_str()).collect()
    }

    #[test]
    fn tokens_know_their_block_and_stay_or_go_with_it() {
        let tokens = cut("one\n[+a,b]\n  two\n[+b]\n  three\n[/]\n[/]\n[-a]\nfour\n[/]\n").unwrap();
        assert_eq!(assemble(&tokens, &["a"]), "one\n  two\n");
        assert_eq!(assemble(&tokens, &["b"]), "one\n  two\n  three\nfour\n");
        assert_eq!(assemble(&tokens, &[]), "one\nfour\n");
        assert_eq!(tokens[0].kind, TokenKind::Core);
        assert_eq!(tokens[2].block.as_deref(), Some("b"));
        assert_eq!(tokens[3].kind, TokenKind::Otherwise);
    }

    #[test]
    fn a_block_that_the_template_has_not_is_never_kept() {
        let tokens = cut("[+gone]\none\n[/]\n[-gone]\ntwo\n[/]\n[+gone,a]\nthree\n[/]\n").unwrap();
        assert_eq!(assemble(&tokens, &["gone"]), "two\n");
        assert_eq!(assemble(&tokens, &["a"]), "two\nthree\n");
        assert_eq!(tokens.len(), 2);
    }

    #[test]
    fn a_marker_out_of_place_is_a_fault_with_its_line() {
        for (source, wanted) in [
            (
                "x [/]\n",
                "t (as rendered), line 1: a marker shares its line; give it a line of its own",
            ),
            (
                "x\n[/]\n",
                "t (as rendered), line 2: an end without a begin; remove it, or begin a block before",
            ),
            ("[+a]\nx\n", "t (as rendered), line 2: a begin without an end; end the block"),
        ] {
            assert_eq!(cut(source).unwrap_err().to_string(), wanted);
        }
    }
}
