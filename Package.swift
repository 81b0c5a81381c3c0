// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "opamp-mcp",
    products: [
        .executable(name: "opamp-mcp", targets: ["opamp-mcp"]),
        .executable(name: "opamp-provider", targets: ["opamp-provider"]),
        .executable(name: "opamp-sim", targets: ["opamp-sim"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: [
        // The MCP server and what it stands on: no Foundation, no argument parser, no libcurl at link time.
        .systemLibrary(name: "CJansson", pkgConfig: "jansson", providers: [.apt(["libjansson-dev"])]),
        .target(name: "CCurl"),
        .target(name: "JSON", dependencies: ["CJansson"]),
        .target(name: "HTTP", dependencies: ["CCurl"]),
        .target(name: "MCP", dependencies: ["JSON"]),
        .target(name: "FleetAPI", dependencies: ["JSON"]),
        .target(name: "FleetClient", dependencies: ["FleetAPI", "HTTP", "JSON"]),
        .target(name: "FleetTools", dependencies: ["FleetAPI", "FleetClient", "JSON", "MCP"]),
        .target(name: "ClientSetup", dependencies: ["FleetAPI", "HTTP", "JSON"]),
        .executableTarget(
            name: "opamp-mcp",
            dependencies: ["ClientSetup", "FleetAPI", "FleetClient", "FleetTools", "JSON", "MCP"],
            // The runtimes of Swift, C++ and gcc are linked statically, at a fixed address, and nothing is exported: so
            // the start has few symbols to look up and touches few pages.
            linkerSettings: [
                .unsafeFlags(
                    [
                        "-static-stdlib", "-L\(Context.packageDirectory)/scripts/link", "-Xclang-linker",
                        "-static-libgcc",
                        "-Xclang-linker", "-no-pie", "-Xlinker", "--no-export-dynamic",
                    ], .when(configuration: .release))
            ]
        ),

        // The provider and the simulated fleet: SwiftNIO, protobuf, SQLite. Program is what their mains share.
        .target(
            name: "Program",
            dependencies: [
                "JSON",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(
            name: "OpAMP",
            dependencies: ["JSON", .product(name: "SwiftProtobuf", package: "swift-protobuf")]
        ),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(
            name: "Provider",
            dependencies: [
                "CZlib", "FleetAPI", "HTTP", "JSON", "OpAMP",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ]
        ),
        .executableTarget(
            name: "opamp-provider",
            dependencies: [
                "FleetAPI", "JSON", "OpAMP", "Program", "Provider",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),
        .target(
            name: "Simulator",
            dependencies: [
                "JSON", "OpAMP",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ]
        ),
        .executableTarget(
            name: "opamp-sim",
            dependencies: [
                "ClientSetup", "FleetAPI", "Program", "Simulator",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),

        // Tests. TestSupport finds and drives the built programs.
        .target(name: "TestSupport", dependencies: ["JSON"], path: "Tests/Support"),
        .testTarget(name: "JSONTests", dependencies: ["JSON", "TestSupport"]),
        .testTarget(name: "HTTPTests", dependencies: ["HTTP", "TestSupport"]),
        .testTarget(name: "MCPTests", dependencies: ["JSON", "MCP", "TestSupport"]),
        .testTarget(name: "FleetAPITests", dependencies: ["FleetAPI", "JSON", "TestSupport"]),
        .testTarget(
            name: "FleetToolsTests",
            dependencies: ["FleetAPI", "FleetClient", "FleetTools", "JSON", "MCP", "TestSupport"]
        ),
        .testTarget(
            name: "ClientSetupTests",
            dependencies: ["ClientSetup", "FleetAPI", "JSON", "TestSupport"],
            exclude: ["Goldens"]
        ),
        .testTarget(name: "OpAMPTests", dependencies: ["JSON", "OpAMP", "TestSupport"]),
        .testTarget(
            name: "ProviderTests",
            dependencies: [
                "FleetAPI", "HTTP", "JSON", "OpAMP", "Provider", "TestSupport",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["Fixtures"]
        ),
        .testTarget(name: "SimulatorTests", dependencies: ["JSON", "OpAMP", "Simulator", "TestSupport"]),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["HTTP", "JSON", "OpAMP", "TestSupport", .product(name: "GRDB", package: "GRDB.swift")],
            exclude: ["Clients", "Transcripts"]
        ),
    ]
)

for target in package.targets where target.type != .system {
    target.swiftSettings = [
        .treatAllWarnings(as: .error),
        .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"), .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    ]
}
