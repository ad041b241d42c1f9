// swift-tools-version: 6.2
import PackageDescription

// A package of its own, as a user of dlrun would write it: dlrun's side of tools/bench_training.py.
let package = Package(
  name: "bench-training",
  dependencies: [.package(name: "dlrun", path: "../../..")],
  targets: [
    .executableTarget(
      name: "BenchTraining", dependencies: [.product(name: "DLTrain", package: "dlrun")])
  ])
