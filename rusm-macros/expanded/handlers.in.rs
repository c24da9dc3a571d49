#[handlers]
pub mod items {
    use super::*;

    /// Shows one item.
    pub async fn show(req: Request, params: Params) -> Result<Response, HttpError> {
        find(params.parse("id")?).await
    }

    pub async fn create(Json(item): Json<Item>) -> impl IntoResponse {
        Json(item)
    }

    pub fn ping() {}

    async fn find(id: u64) -> Result<Response, HttpError> {
        Err(HttpError::not_found("no such item"))
    }
}
