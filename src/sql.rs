//! The object's own SQLite, behind the core's [`Sql`].

use bellwether_core::sql::{Column, Param, Row, Sql, SqlError};
use js_sys::Array;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::State;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = Object)]
    type RawState;
    #[wasm_bindgen(method, getter)]
    fn storage(this: &RawState) -> RawStorage;

    #[wasm_bindgen(js_name = Object)]
    type RawStorage;
    #[wasm_bindgen(method, getter)]
    fn sql(this: &RawStorage) -> RawSql;
    /// worker 0.8.7 has only the asynchronous `transaction`; this one rolls back when `work` throws.
    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &RawStorage,
        work: &mut dyn FnMut() -> Result<JsValue, JsValue>,
    ) -> Result<JsValue, JsValue>;

    /// worker's own wrapper reads values of types that are not stored here, which costs the bundle
    /// 1 KB gzipped, and steps through rows without `catch`: what they throw goes through wasm.
    #[wasm_bindgen(js_name = Object)]
    type RawSql;
    #[wasm_bindgen(method, catch, variadic)]
    fn exec(this: &RawSql, statement: &str, bindings: &Array) -> Result<RawCursor, JsValue>;

    #[wasm_bindgen(js_name = Object)]
    type RawCursor;
    /// Rows as arrays, an iterator.
    #[wasm_bindgen(method, catch)]
    fn raw(this: &RawCursor) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_namespace = Array, js_name = from)]
    fn all_of(iterator: &JsValue) -> Result<Array, JsValue>;
}

/// One object's database.
pub(crate) struct ObjectSql {
    sql: RawSql,
    storage: RawStorage,
}

impl ObjectSql {
    pub(crate) fn of(state: &State) -> Self {
        let raw: &JsValue = state.as_raw().as_ref();
        let storage = RawState::from(raw.clone()).storage();
        Self {
            sql: storage.sql(),
            storage,
        }
    }
}

impl Sql for ObjectSql {
    fn exec(&self, statement: &str, params: &[Param<'_>]) -> Result<Vec<Row>, SqlError> {
        let bindings = Array::new();
        for param in params {
            bindings.push(&bind(param));
        }
        let cursor = self.sql.exec(statement, &bindings);
        let rows = cursor.and_then(|cursor| all_of(&cursor.raw()?));
        let mut read = Vec::new();
        for row in rows.map_err(refused)?.iter() {
            let mut columns = Vec::new();
            for value in row.unchecked_into::<Array>().iter() {
                columns.push(column(&value)?);
            }
            read.push(columns);
        }
        Ok(read)
    }

    fn exec_script(&self, script: &str) -> Result<(), SqlError> {
        self.sql
            .exec(script, &Array::new())
            .map(drop)
            .map_err(refused)
    }

    fn atomically(&self, work: &mut dyn FnMut() -> Result<(), SqlError>) -> Result<(), SqlError> {
        let mut failure = None;
        let committed = self.storage.transaction_sync(&mut || match work() {
            Ok(()) => Ok(JsValue::UNDEFINED),
            Err(error) => {
                let thrown = JsValue::from_str(&error.0);
                failure = Some(error);
                Err(thrown)
            }
        });
        match (committed, failure) {
            (_, Some(error)) => Err(error),
            (Ok(_), None) => Ok(()),
            (Err(thrown), None) => Err(refused(thrown)),
        }
    }
}

fn column(value: &JsValue) -> Result<Column, SqlError> {
    if value.is_null() {
        return Ok(Column::Null);
    }
    if let Some(text) = value.as_string() {
        return Ok(Column::Text(text));
    }
    let number = value.as_f64().filter(|number| number.trunc() == *number);
    #[allow(
        clippy::cast_possible_truncation,
        reason = "whole, and stored below 2^53"
    )]
    let integer = number.map(|number| Column::Integer(number as i64));
    integer.ok_or_else(|| SqlError("a column holds neither an integer nor text".to_owned()))
}

fn bind(param: &Param<'_>) -> JsValue {
    match param {
        Param::Null => JsValue::NULL,
        #[allow(clippy::cast_precision_loss, reason = "kept below 2^53 by the core")]
        Param::Integer(integer) => JsValue::from_f64(*integer as f64),
        Param::Text(text) => JsValue::from_str(text),
    }
}

fn refused(thrown: JsValue) -> SqlError {
    SqlError(worker::Error::from(thrown).to_string())
}
