package crypt

// NewAEAD is the layer below the envelope, for vectors that need a nonce and additional data of their own.
var NewAEAD = newAEAD
