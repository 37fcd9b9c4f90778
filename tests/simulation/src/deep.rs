//! Values that are more than a number: what merges must get right below the top level.

use bellwether_core::document::Object;
use serde_json::Value;

use crate::chance::Fault;
use crate::world::World;

/// The key of such values, in every layer.
const KEY: &str = "deep";

/// Gives a layer one, if the fault strikes.
pub(crate) fn deepen(world: &World, layer: &mut Object) -> bool {
    let strikes = world.strikes(Fault::DeepLayers);
    if strikes {
        layer.insert(KEY.to_owned(), value(world, 2));
    }
    strikes
}

fn value(world: &World, depth: u64) -> Value {
    let draw = |most| world.chance.between(Fault::DeepLayers, 0, most);
    match draw(5) {
        0 => Value::Null,
        1 => draw(2).into(),
        _ if depth == 0 => draw(2).into(),
        _ => {
            let mut object = Object::new();
            for name in ["p", "q", "r"] {
                if draw(2) > 0 {
                    object.insert(name.to_owned(), value(world, depth - 1));
                }
            }
            object.into()
        }
    }
}
