//! Answers from memory: what was answered a moment ago, for the same question, by the same version.
//!
//! A question is a request but for its token, compared as text: no route is looked up, no query
//! parsed, no value looked for again. What an answer says changes with the version, and its age
//! with each second; so it is put together once for each of them.

use std::cell::RefCell;

use bellwether_core::document::Document;
use bellwether_core::names::header;
use bellwether_core::token::Scope;
use bellwether_reader::hot::{Lines, Prepared, PreparedBody, PreparedCall};
use bellwether_reader::{Read, ReadState, Reader, Version};
use wasm_bindgen::JsValue;
use worker::{Env, web_sys};

use super::config::age_s;
use crate::http::Answer;
use crate::worker_env::worker_env;

/// How many questions are kept. Each may have a body beside the document.
const MAX_KEPT: usize = 4;

/// What answers a question.
enum Kept {
    /// An answer that is good as long as its reader holds that version, and it is fresh.
    Answer(Box<Warm>),
    /// The object; the call to it is ready.
    Call(PreparedCall),
}

struct Warm {
    reader: Reader<Document>,
    version: Version,
    /// Without its body.
    answer: Answer,
    body: PreparedBody,
    /// With this `Age`.
    prepared: (u64, Prepared),
}

thread_local! {
    static KEPT: RefCell<Vec<(String, Kept)>> = const { RefCell::new(Vec::new()) };
}

/// The answer to a question that was answered before, or the promise of it, where nothing else has
/// to be done for it and the caller may have it.
pub(crate) fn at_once(request: &web_sys::Request, asked: &Lines, env: &Env) -> Option<JsValue> {
    let (question, authorization) = asked.question_and_authorization();
    KEPT.with_borrow_mut(|kept| {
        let (_, kept) = kept.iter_mut().find(|(other, _)| other == question)?;
        let tokens = &worker_env(env).tokens;
        tokens.authorise(authorization, Scope::Read).ok()?;
        match kept {
            Kept::Answer(warm) => warm.answer().map(JsValue::from),
            Kept::Call(call) => call.make(env, request).ok(),
        }
    })
}

/// Keeps an answer to GET for the next time. Not one that is older than what was wanted: the next
/// time that is to be asked for again.
pub(super) fn keep(
    asked: &Lines,
    wanted: Option<Version>,
    reader: &Reader<Document>,
    read: &Read<Document>,
    answer: &Answer,
) {
    let Some(version) = read.version.filter(|version| wanted <= Some(*version)) else {
        return;
    };
    if read.state != ReadState::Fresh {
        return;
    }
    let warm = Warm {
        reader: reader.clone(),
        version,
        body: answer.prepared_body(),
        prepared: (age_s(read.age_ms), answer.prepared()),
        answer: Answer {
            status: answer.status,
            headers: answer.headers.clone(),
            body: None,
        },
    };
    put(asked, Kept::Answer(Box::new(warm)));
}

/// Keeps a call to the object that answers this question.
pub(super) fn keep_call(asked: &Lines, call: PreparedCall) {
    put(asked, Kept::Call(call));
}

fn put(asked: &Lines, kept: Kept) {
    // What a HEAD gets is made of it.
    if asked.method_and_url().0 != "GET" {
        return;
    }
    let (question, _) = asked.question_and_authorization();
    KEPT.with_borrow_mut(|all| {
        all.retain(|(other, _)| other != question);
        if all.len() == MAX_KEPT {
            all.remove(0);
        }
        all.push((question.to_owned(), kept));
    });
}

impl Warm {
    fn answer(&mut self) -> Option<web_sys::Response> {
        let age_s = age_s(self.reader.read_fresh(self.version)?);
        if self.prepared.0 != age_s {
            for (name, value) in &mut self.answer.headers {
                if *name == header::AGE {
                    *value = age_s.to_string();
                }
            }
            self.prepared = (age_s, self.answer.prepared());
        }
        self.prepared.1.answer(&self.body)
    }
}
