// swift-tools-version: 6.2
import PackageDescription

// A package of its own, as a user of dlrun would write it; his would say where dlrun's checkout is.
let package = Package(
  name: "service",
  dependencies: [
    .package(name: "dlrun", path: "../../.."),
    .package(
      url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.5.0"),
  ],
  targets: [
    .executableTarget(
      name: "Service",
      dependencies: [
        .product(name: "DLRun", package: "dlrun"),
        .product(name: "DLRunObservability", package: "dlrun"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"),
      ])
  ])
