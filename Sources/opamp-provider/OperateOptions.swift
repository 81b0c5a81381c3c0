import ArgumentParser

/// The flags of the provider for those who run it.
struct OperateOptions: ParsableArguments {
    @Flag(
        help: ArgumentHelp(
            "Allow a webhook over http off this machine: notices and their signatures can be read on the way."))
    var insecureWebhook = false
}
