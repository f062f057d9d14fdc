// Package sign says who made an image, and from what, in a form that others
// can check: keys, in-toto statements, their signatures, and the verification
// of both.
//
// It works on bytes and images in memory. It does not speak to a registry,
// does not build the image it signs, and does not look into the SBOM it is
// given; the only network it ever uses are the services of a Sigstore
// instance, where some are asked for.
//
// A signature is written in the two forms in use: as Sigstore bundles in OCI
// referrers, and in the older tag layout of cosign (sha256-….sig and .att).
// Both hold the same statements, so a reader needs to know only one.
//
// Start at [Sign] and [Verify]. Who signs is a key, from [LoadKey],
// [LoadPublicKey] or [DevelopmentKey], or by a certificate for an identity,
// from [NewKeyless] with what [LoadRoot] and [LoadServices] read.
package sign
