// swift-tools-version: 6.2
import PackageDescription

// Targets stand in the order of their imports: each may use only what stands above it.
// `tools/test` builds with `--explicit-target-dependency-import-check error`.
let package = Package(
  name: "dlrun",
  products: [
    .library(name: "DLRun", targets: ["DLRun"]),
    .library(name: "DLRunObservability", targets: ["DLRunObservability"]),
    .library(name: "DLTrain", targets: ["DLTrain"]),
    .library(name: "Converters", targets: ["Converters"]),
    .library(name: "Quantization", targets: ["Quantization"]),
    .executable(name: "dlrun", targets: ["dlrun"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.5.0"),
  ],
  targets: [
    .systemLibrary(
      name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CSchemas", dependencies: ["CProtobufC"], exclude: ["protos"]),
    .target(name: "CKernels", linkerSettings: [.linkedLibrary("m")]),
    .target(name: "CImageLibraries", linkerSettings: [.linkedLibrary("dl")]),
    .target(name: "Tensors"),
    .target(name: "Kernels", dependencies: ["CImageLibraries", "CKernels", "Tensors"]),
    .target(name: "Graphs", dependencies: ["Kernels", "Tensors"]),
    .target(name: "Operators", dependencies: ["Graphs", "Kernels", "Tensors"]),
    .target(name: "Formats", dependencies: ["CSchemas", "CZlib", "Graphs", "Tensors"]),
    .target(name: "Compiler", dependencies: ["Graphs", "Operators", "Kernels", "Tensors"]),
    .target(
      name: "Runtime", dependencies: ["Compiler", "Operators", "Graphs", "Kernels", "Tensors"],
      // Memory that is lent may not escape: `Session.Binding`.
      swiftSettings: [.enableExperimentalFeature("Lifetimes")]),
    .target(
      name: "Converters",
      dependencies: ["Compiler", "Formats", "Operators", "Graphs", "Tensors"]),
    .target(
      name: "Quantization",
      dependencies: [
        "Runtime", "Compiler", "Formats", "Operators", "Graphs", "Kernels", "Tensors",
      ]),
    .target(
      name: "DLRun",
      dependencies: ["Runtime", "Compiler", "Formats", "Operators", "Graphs", "Kernels", "Tensors"]),
    .target(
      name: "DLRunObservability",
      dependencies: [
        "Runtime", "Graphs", "Tensors",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"),
      ]),
    .target(
      name: "Training",
      dependencies: [
        "Runtime", "Compiler", "Formats", "Operators", "Graphs", "Kernels", "Tensors",
      ]),
    .target(name: "Layers", dependencies: ["Training", "Formats", "Graphs", "Tensors"]),
    .target(name: "DataSets", dependencies: ["Layers", "Formats", "Kernels", "Tensors"]),
    .target(
      name: "Recipes",
      dependencies: [
        "DataSets", "Layers", "Training", "Runtime", "Compiler", "Formats", "Operators", "Graphs",
        "Tensors",
      ]),
    .target(
      name: "DLTrain", dependencies: ["DataSets", "Layers", "Training", "Runtime", "Tensors"]),
    .target(name: "CDLRunHeader"),
    .target(
      name: "CDLRun",
      dependencies: [
        "CDLRunHeader", "DLRun", "Runtime", "Compiler", "Formats", "Operators", "Graphs", "Tensors",
      ]),
    .executableTarget(
      name: "dlrun",
      dependencies: [
        "DLRun", "Recipes", "Quantization", "Converters", "Runtime", "Compiler", "Formats",
        "Operators", "Graphs", "Kernels", "Tensors",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .target(
      name: "TestSupport", dependencies: ["Operators", "Graphs", "Tensors"],
      path: "Tests/TestSupport"),
    .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter"),
    .testTarget(
      name: "TensorsTests",
      dependencies: ["TestSupport", "Tensors"]),
    .testTarget(
      name: "KernelsTests",
      dependencies: ["TestSupport", "Kernels", "CKernels", "Tensors"],
      exclude: ["Images/Vectors"]),
    .testTarget(
      name: "GraphsTests",
      dependencies: ["TestSupport", "Graphs", "Operators", "Tensors"]),
    .testTarget(
      name: "OperatorsTests",
      dependencies: ["TestSupport", "Operators", "Graphs", "Kernels", "Tensors"],
      exclude: ["Vectors"]),
    .testTarget(
      name: "FormatsTests",
      dependencies: ["TestSupport", "Formats", "Graphs", "Operators", "Tensors"]),
    .testTarget(
      name: "CompilerTests",
      dependencies: [
        "TestSupport", "Compiler", "Runtime", "Formats", "Operators", "Graphs", "Kernels",
        "Tensors",
      ]),
    .testTarget(
      name: "RuntimeTests",
      dependencies: [
        "CAllocationCounter", "TestSupport", "DLRun", "Runtime", "Formats", "Operators", "Graphs",
        "Kernels", "Tensors",
      ],
      exclude: ["Sweep"]),
    .testTarget(
      name: "ConvertersTests",
      dependencies: [
        "TestSupport", "Converters", "Compiler", "Runtime", "Formats", "Operators", "Graphs",
        "Tensors",
      ],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "QuantizationTests",
      dependencies: [
        "TestSupport", "Quantization", "Runtime", "Compiler", "Formats", "Operators", "Graphs",
        "Tensors",
      ],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "DLRunTests",
      dependencies: ["DLRun"]),
    .testTarget(
      name: "TrainingTests",
      dependencies: [
        "TestSupport", "DLTrain", "Training", "Runtime", "Formats", "Operators", "Graphs",
        "Kernels", "Tensors",
      ],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "LayersTests",
      dependencies: [
        "TestSupport", "CAllocationCounter", "DLTrain", "DLRun", "Layers", "Training", "Formats",
        "Tensors",
      ],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "DataSetsTests",
      dependencies: ["TestSupport", "DataSets", "Layers", "Training", "Formats", "Tensors"]),
    .testTarget(
      name: "RecipesTests",
      dependencies: [
        "TestSupport", "Recipes", "DataSets", "Layers", "Runtime", "Formats", "Tensors",
      ],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "DLRunObservabilityTests",
      dependencies: [
        "DLRunObservability", "DLRun",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"),
      ]),
    .testTarget(
      name: "CDLRunTests",
      dependencies: ["CDLRun", "CDLRunHeader", "DLRun"]),
    .testTarget(
      name: "CommandTests",
      dependencies: ["TestSupport", "DLRun", "Compiler", "Formats", "Tensors"],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "LayoutTests",
      dependencies: []),
  ])
