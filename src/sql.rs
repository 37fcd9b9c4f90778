//! The object's own SQLite, behind the core's [`Sql`].

use bellwether_core::sql::{Column, Param, Row, Sql, SqlError};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{SqlCursor, SqlStorage, SqlStorageValue, State};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = Object)]
    type RawState;
    #[wasm_bindgen(method, getter)]
    fn storage(this: &RawState) -> RawStorage;

    #[wasm_bindgen(js_name = Object)]
    type RawStorage;
    /// worker 0.8.7 has only the asynchronous `transaction`; this one rolls back when `work` throws.
    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &RawStorage,
        work: &mut dyn FnMut() -> Result<JsValue, JsValue>,
    ) -> Result<JsValue, JsValue>;
}

/// One object's database.
pub(crate) struct ObjectSql {
    sql: SqlStorage,
    storage: RawStorage,
}

impl ObjectSql {
    pub(crate) fn of(state: &State) -> Self {
        let raw: &JsValue = state.as_raw().as_ref();
        Self {
            sql: state.storage().sql(),
            storage: RawState::from(raw.clone()).storage(),
        }
    }
}

impl Sql for ObjectSql {
    fn exec(&self, statement: &str, params: &[Param<'_>]) -> Result<Vec<Row>, SqlError> {
        let bindings: Vec<JsValue> = params.iter().map(bind).collect();
        let cursor = self.sql.exec_raw(statement, bindings).map_err(refused)?;
        rows(&cursor)
    }

    fn exec_script(&self, script: &str) -> Result<(), SqlError> {
        self.sql.exec_raw(script, None).map(drop).map_err(refused)
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
            (Err(thrown), None) => Err(refused(thrown.into())),
        }
    }
}

/// By way of `raw()`: `one`, `next` and `to_array` of worker 0.8.7 are bound without `catch`, and
/// throw through wasm.
fn rows(cursor: &SqlCursor) -> Result<Vec<Row>, SqlError> {
    cursor
        .raw()
        .map(|row| row.map_err(refused)?.into_iter().map(column).collect())
        .collect()
}

fn column(value: SqlStorageValue) -> Result<Column, SqlError> {
    match value {
        SqlStorageValue::Null => Ok(Column::Null),
        SqlStorageValue::Integer(integer) => Ok(Column::Integer(integer)),
        SqlStorageValue::String(text) => Ok(Column::Text(text)),
        _ => Err(SqlError(
            "a column holds neither an integer nor text".to_owned(),
        )),
    }
}

fn bind(param: &Param<'_>) -> JsValue {
    match param {
        Param::Null => JsValue::NULL,
        #[allow(clippy::cast_precision_loss, reason = "kept below 2^53 by the core")]
        Param::Integer(integer) => JsValue::from_f64(*integer as f64),
        Param::Text(text) => JsValue::from_str(text),
    }
}

fn refused(error: worker::Error) -> SqlError {
    SqlError(error.to_string())
}
