/// Which keys have secrets as their values.
enum SecretName {
    /// The value is a secret, and so is everything in it.
    case secret
    /// The value is a secret, but a section of that name holds other settings too.
    case credentials

    private static let parts = [
        "password", "passwd", "passphrase", "secret", "token", "apikey", "accesskey", "privatekey", "sharedkey",
        "credential", "accountkey", "licensekey", "encryptionkey", "signingkey", "masterkey",
    ].map { Array($0.utf8) }
    private static let whole: Set<String> = ["pass", "pwd", "psk", "passcode", "cookie", "setcookie"]
    private static let auth = Array("auth".utf8)

    /// - Parameter word: the name as it is written, of any length.
    init?(_ word: ArraySlice<UInt8>) {
        let name = Self.plain(word)
        guard !name.isEmpty else { return nil }
        if Self.parts.contains(where: { Self.contains(name, $0) }) {
            self = .secret
        } else if name.count <= 16, Self.whole.contains(String(decoding: name, as: UTF8.self)) {
            self = .secret
        } else if Self.isAuth(name) {
            self = .credentials
        } else {
            return nil
        }
    }

    /// In lower case, without what joins its parts.
    static func plain(_ word: ArraySlice<UInt8>) -> [UInt8] {
        word.compactMap { byte in
            switch byte {
            case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."): nil
            case 65...90: byte + 32
            default: byte
            }
        }
    }

    /// `auth` in any name but those of authors.
    private static func isAuth(_ name: [UInt8]) -> Bool {
        name.indices.contains { index in
            guard name[index] == auth[0], name[index...].starts(with: auth) else { return false }
            let rest = name[(index + auth.count)...]
            return !rest.starts(with: "or".utf8) || ["oriz", "oris"].contains { rest.starts(with: $0.utf8) }
        }
    }

    private static func contains(_ name: [UInt8], _ part: [UInt8]) -> Bool {
        guard name.count >= part.count else { return false }
        return (0...(name.count - part.count)).contains {
            name[$0] == part[0] && name[$0..<($0 + part.count)].elementsEqual(part)
        }
    }
}
