//! An envelope can be opened only under its own name and with its secret.

use super::*;

fn opened(guard: &Guard, name: &str, bytes: &Bytes) -> Result<Product, CodecError> {
    super::super::open(Slot::new(guard, name), bytes)?.value(of::<Product>())
}

#[test]
fn what_was_moved_to_another_name_is_not_opened() {
    let bytes = sealed_tea();
    assert_eq!(opened(&GUARD, "blog:tea", &bytes), Ok(tea()));
    for name in ["blog:milk", "blog:te", "blog:tea ", "", "LDR"] {
        assert_eq!(opened(&GUARD, name, &bytes), Err(CodecError::Forged), "{name}");
    }
}

#[test]
fn what_was_sealed_under_another_secret_is_not_opened() {
    let secret = Secret::new(&[7; Secret::BYTES]);
    let guard = Guard::Shared(secret.clone());
    let sealed = super::super::seal(Slot::new(&guard, "a"), of::<Product>(), b"", &tea());
    let sealed = sealed.unwrap();
    assert_eq!(opened(&guard, "a", &sealed), Ok(tea()));
    assert_eq!(opened(&GUARD, "a", &sealed), Err(CodecError::Forged));
    assert_eq!(opened(&Guard::Blind, "a", &sealed), Err(CodecError::NoSecret));
    // Every process can compute a checksum, so it must not pass as a MAC, nor a MAC as a checksum.
    let checked = Slot::new(&Guard::Process, "a");
    let checked = super::super::seal(checked, of::<Product>(), b"", &tea()).unwrap();
    assert_eq!(opened(&guard, "a", &checked), Err(CodecError::Forged));
    assert_eq!(opened(&Guard::Process, "a", &sealed), Err(CodecError::Forged));
    secret.replace(&[8; Secret::BYTES]);
    assert_eq!(opened(&guard, "a", &sealed), Err(CodecError::Forged));
}

#[test]
fn nothing_is_sealed_without_a_secret() {
    let slot = Slot::new(&Guard::Blind, "a");
    let error = super::super::seal(slot, of::<Product>(), b"", &tea()).unwrap_err();
    assert_eq!(error, CodecError::NoSecret);
}
