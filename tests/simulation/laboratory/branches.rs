//! Finds the branches of decisions in a source file, and puts a probe into each.

use proc_macro2::LineColumn;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// Begins and ends a probe in the text, so that it can be told from what was written.
const OPEN: &str = "/*<*/";
const CLOSE: &str = "/*>*/";

/// One branch.
pub(crate) struct Site {
    pub(crate) file: String,
    pub(crate) function: String,
    /// The line that it begins in, as text: it stays the same when lines move.
    pub(crate) head: String,
    pub(crate) line: usize,
}

/// The source with a probe in each branch, and the branches, numbered from `first`.
pub(crate) fn probe(file: &str, source: &str, first: usize) -> Result<(String, Vec<Site>), String> {
    let parsed = syn::parse_file(source).map_err(|error| format!("{file}: {error}"))?;
    let mut finder = Finder {
        file,
        lines: source.lines().collect(),
        starts: line_starts(source),
        first,
        sites: Vec::new(),
        insertions: Vec::new(),
        functions: Vec::new(),
    };
    finder.visit_file(&parsed);
    let Finder {
        sites,
        mut insertions,
        ..
    } = finder;
    insertions.sort_by_key(|(at, _)| *at);
    let mut probed = String::new();
    let mut done = 0;
    for (at, text) in insertions {
        probed += &source[done..at];
        probed += OPEN;
        probed += &text;
        probed += CLOSE;
        done = at;
    }
    probed += &source[done..];
    Ok((probed, sites))
}

struct Finder<'a> {
    file: &'a str,
    lines: Vec<&'a str>,
    starts: Vec<usize>,
    first: usize,
    sites: Vec<Site>,
    /// Stable by place: what encloses comes first, and ends last.
    insertions: Vec<(usize, String)>,
    functions: Vec<String>,
}

impl Finder<'_> {
    fn hit(&mut self, what: &str, at: LineColumn) -> String {
        let head = self
            .lines
            .get(at.line - 1)
            .copied()
            .unwrap_or_default()
            .trim();
        self.sites.push(Site {
            file: self.file.to_owned(),
            function: self.functions.last().cloned().unwrap_or_default(),
            head: format!("{what}{head}"),
            line: at.line,
        });
        format!(
            "crate::laboratory::hit({});",
            self.first + self.sites.len() - 1
        )
    }

    fn place(&self, at: LineColumn) -> usize {
        // Columns count characters.
        let line = self.lines[at.line - 1];
        let bytes: usize = line.chars().take(at.column).map(char::len_utf8).sum();
        self.starts[at.line - 1] + bytes
    }

    fn enter_block(&mut self, block: &syn::Block, what: &str, head: LineColumn) {
        let hit = self.hit(what, head);
        let at = self.place(block.brace_token.span.open().end());
        self.insertions.push((at, hit));
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let for_tests = module
            .attrs
            .iter()
            .any(|attribute| attribute.path().is_ident("cfg"));
        if !for_tests {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if function.sig.constness.is_none() {
            self.functions.push(function.sig.ident.to_string());
            visit::visit_item_fn(self, function);
            self.functions.pop();
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if function.sig.constness.is_none() {
            self.functions.push(function.sig.ident.to_string());
            visit::visit_impl_item_fn(self, function);
            self.functions.pop();
        }
    }

    fn visit_expr_if(&mut self, branch: &'ast syn::ExprIf) {
        self.enter_block(&branch.then_branch, "", branch.if_token.span().start());
        visit::visit_expr_if(self, branch);
        match &branch.else_branch {
            None => {
                let hit = self.hit("not: ", branch.if_token.span().start());
                let end = self.place(branch.then_branch.brace_token.span.close().end());
                self.insertions.push((end, format!(" else {{ {hit} }}")));
            }
            Some((_, other)) => {
                if let syn::Expr::Block(block) = &**other {
                    self.enter_block(&block.block, "not: ", branch.if_token.span().start());
                }
            }
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        let diverges = local.init.as_ref().and_then(|init| init.diverge.as_ref());
        if let Some((_, other)) = diverges
            && let syn::Expr::Block(block) = &**other
        {
            self.enter_block(&block.block, "else of: ", local.let_token.span.start());
        }
        visit::visit_local(self, local);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        let head = arm.pat.span().start();
        match &*arm.body {
            syn::Expr::Block(block) if block.label.is_none() => {
                self.enter_block(&block.block, "", head);
                visit::visit_arm(self, arm);
            }
            body => {
                let hit = self.hit("", head);
                let (start, end) = (
                    self.place(body.span().start()),
                    self.place(body.span().end()),
                );
                self.insertions.push((start, format!("{{ {hit} ")));
                visit::visit_arm(self, arm);
                self.insertions.push((end, " }".to_owned()));
            }
        }
    }
}

/// A probed text without its probes, and the way back.
pub(crate) struct Plain {
    pub(crate) text: String,
    /// For each byte of the text, its place in the probed one.
    places: Vec<usize>,
}

impl Plain {
    pub(crate) fn of(probed: &str) -> Self {
        let (mut text, mut places) = (String::new(), Vec::new());
        let mut rest = probed;
        let mut at = 0;
        loop {
            let probe = rest.find(OPEN);
            let plain = &rest[..probe.unwrap_or(rest.len())];
            places.extend(at..at + plain.len());
            text += plain;
            let Some(probe) = probe else { break };
            let end = rest.find(CLOSE).expect("a probe ends") + CLOSE.len();
            at += end;
            rest = &rest[end..];
            let _ = probe;
        }
        Self { text, places }
    }

    /// The range in the probed text. Probes at its edges stay outside, those within are replaced.
    pub(crate) fn range(&self, start: usize, end: usize) -> (usize, usize) {
        (self.places[start], self.places[end - 1] + 1)
    }
}

fn line_starts(source: &str) -> Vec<usize> {
    let ends = source.match_indices('\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(ends).collect()
}
