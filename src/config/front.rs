//! Settings of the caches in front of the shop.

use clap::Args;

use crate::cache::front::Front;
use crate::sql::front::Address;

/// The environment variable of the token: on the command line other users of the machine would see it.
pub const TOKEN: &str = "LARDER_FRONT_TOKEN";

/// Caches in front of the shop.
#[derive(Debug, Clone, Default, Args)]
pub struct FrontConfig {
    /// A cache in front of the shop, which may store its pages and is told what to drop.
    ///
    /// varnish=http://HOST:PORT, fastly=SERVICE_ID or cloudflare=ZONE_ID; several of one kind may be given. The token
    /// of the service is taken from the environment variable LARDER_FRONT_TOKEN.
    #[arg(long = "front", env = "LARDER_FRONT", value_name = "KIND=WHERE", value_delimiter = ',', value_parser = |text: &str| text.parse::<Address>())]
    pub fronts: Vec<Address>,
}

impl FrontConfig {
    /// Returns the addresses of the caches, all of one kind, with the token.
    ///
    /// # Errors
    /// One sentence for caches of several kinds, and for a service without its token.
    pub fn open(&self) -> Result<Vec<Address>, String> {
        let Some(kind) = self.fronts.first().map(Address::kind) else { return Ok(Vec::new()) };
        if self.fronts.iter().any(|front| front.kind() != kind) {
            return Err(
                "the caches of --front are of several kinds: only one layer can be purged".into()
            );
        }
        let token = std::env::var(TOKEN).ok().filter(|token| !token.is_empty());
        if token.is_none() && kind != Front::Varnish {
            return Err(format!("--front needs the token of the service in {TOKEN}"));
        }
        let with_token = |front: &Address| match &token {
            Some(token) => front.clone().token(token),
            None => Ok(front.clone()),
        };
        self.fronts.iter().map(with_token).collect()
    }
}
