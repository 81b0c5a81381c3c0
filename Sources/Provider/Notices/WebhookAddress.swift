import FleetAPI

/// Where notices are sent to.
enum WebhookAddress {
    static let lengthLimit = 2_048

    /// Why notices must not be sent there; nil where they may.
    ///
    /// - Parameter isInsecureAllowed: whether they may leave this machine over http.
    static func refusal(of url: String, isInsecureAllowed: Bool) -> Problem? {
        func refused(_ detail: String) -> Problem {
            .badRequest(field: "webhook_url", value: shown(url), detail, allowed: ["https://HOST/PATH", ""])
        }
        guard url.utf8.count <= lengthLimit, url.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            return refused("webhook_url has at most \(lengthLimit) visible ASCII characters")
        }
        guard let authority = authority(of: url), !url.contains("#"), !url.contains("\\") else {
            return refused("webhook_url is https://HOST[:PORT]/PATH, without a user name, or empty for none")
        }
        guard isSecure(url) || authority.isLoopback || isInsecureAllowed else {
            return refused(
                "notices leave this machine over https only; start the provider with --insecure-webhook to allow http")
        }
        return nil
    }

    /// The address without its path, which may be a secret of its own.
    static func shown(_ url: String) -> String {
        guard let authority = authority(of: url) else { return url.isEmpty ? "" : mark }
        let origin = "\(isSecure(url) ? "https" : "http")://\(authority)"
        let path = url.dropFirst(isSecure(url) ? 8 : 7).drop { $0 != "/" && $0 != "?" }
        return path.isEmpty || path == "/" ? url : "\(origin)/\(mark)"
    }

    /// What stands in the place of what is not shown.
    static let mark = "***MASKED***"

    private static func isSecure(_ url: String) -> Bool { url.lowercased().hasPrefix("https://") }

    private static func authority(of url: String) -> Authority? {
        guard isSecure(url) || url.lowercased().hasPrefix("http://") else { return nil }
        return Authority(url.dropFirst(isSecure(url) ? 8 : 7).prefix { $0 != "/" && $0 != "?" && $0 != "#" })
    }
}

extension ProviderSettings {
    static let webhookSecretBytes = 16...256

    /// As they are shown: secrets are not.
    func shown(_ status: WebhookStatus) -> ProviderSettings {
        var shown = self
        if !webhookURL.isEmpty { shown.webhookURL = WebhookAddress.shown(webhookURL) }
        if !webhookSecret.isEmpty { shown.webhookSecret = WebhookAddress.mark }
        shown.webhookStatus = webhookURL.isEmpty ? nil : status
        return shown
    }

    /// Settings as they came back from somebody who was shown them: what was hidden stays as it is.
    func keepingHidden(of before: ProviderSettings) -> ProviderSettings {
        var settings = self
        if webhookURL == WebhookAddress.shown(before.webhookURL) { settings.webhookURL = before.webhookURL }
        if webhookSecret == WebhookAddress.mark { settings.webhookSecret = before.webhookSecret }
        settings.webhookStatus = nil
        return settings
    }

    /// Why the webhook cannot be set so; nil where it can.
    func webhookRefusal(isInsecureAllowed: Bool) -> Problem? {
        if !webhookURL.isEmpty,
            let refusal = WebhookAddress.refusal(of: webhookURL, isInsecureAllowed: isInsecureAllowed)
        {
            return refusal
        }
        guard webhookSecret.isEmpty || Self.webhookSecretBytes.contains(webhookSecret.utf8.count) else {
            let range = "\(Self.webhookSecretBytes.lowerBound) to \(Self.webhookSecretBytes.upperBound) bytes"
            return .badRequest(
                field: "webhook_secret", "webhook_secret has \(range), or none for no signature", allowed: [range])
        }
        return nil
    }
}
