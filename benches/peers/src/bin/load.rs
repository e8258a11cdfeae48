//! Sends requests: `load ADDRESS TARGET CONNECTIONS REQUESTS`.

#[path = "../../../harness/load.rs"]
#[allow(dead_code, reason = "it uses a part of it")]
mod load;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, target, connections, requests] = &arguments[..] else {
        anyhow::bail!("load ADDRESS TARGET CONNECTIONS REQUESTS")
    };
    let request = load::Request::get(target);
    load::run(address.parse()?, &request, connections.parse()?, requests.parse()?).await?;
    Ok(())
}
