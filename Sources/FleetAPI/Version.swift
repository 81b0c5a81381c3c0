/// The version of all programs of this package, as `--version` and both protocols tell it.
package let productVersion = "0.1.0"
