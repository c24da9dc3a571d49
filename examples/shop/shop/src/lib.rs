//! The shop's HTTP side: each request gets a fresh instance of this code.

use cart::{CartClient, CartError, Item, Summary};
use rusm::prelude::*;

/// What the routes of `rusm.toml` name.
#[handlers]
pub mod shop {
    use super::*;

    /// `GET /cart`
    pub async fn show() -> Result<Json<Summary>, HttpError> {
        Ok(Json(cart().summary().await?))
    }

    /// `POST /cart/items`
    pub async fn add(Json(item): Json<Item>) -> Result<(u16, Json<Summary>), HttpError> {
        Ok((201, Json(cart().add(item).await?.map_err(refused)?)))
    }

    /// `DELETE /cart/items/:sku`
    pub async fn remove(params: Params) -> Result<Json<Summary>, HttpError> {
        let sku: String = params.parse("sku")?;
        Ok(Json(cart().remove(sku).await?.map_err(refused)?))
    }
}

/// The resident service, whichever process holds its name at the moment.
fn cart() -> CartClient {
    CartClient::connect("cart")
}

fn refused(error: CartError) -> HttpError {
    match error {
        CartError::NotInCart(sku) => HttpError::not_found(format!("{sku} is not in the cart")),
        CartError::TooMuch => HttpError::bad_request("more than the cart can count"),
    }
}
