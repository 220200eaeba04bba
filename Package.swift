// swift-tools-version: 6.2
// SPDX-License-Identifier: GPL-3.0-or-later

import PackageDescription

/// The settings every Swift target is built with.
let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .treatAllWarnings(as: .error),
]

/// Whether the mathematics uses OpenBLAS: `S2TUNE_BLAS=openblas swift build`.
///
/// Without it GSL's own BLAS is used, whose results have the same bits on every machine of a kind.
let usesOpenBLAS = Context.environment["S2TUNE_BLAS"] == "openblas"

/// The settings of rooms: optimised in debug as well, with every precondition kept, since their tests
/// are whole runs, whole walks and whole fits.
let computing =
  strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]

/// A room: a target under `Sources/` that may import only what it declares here.
///
/// Rooms are listed from the ground up, so every arrow points to an earlier line.
func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(
    name: name,
    dependencies: dependencies,
    exclude: ["README.md"],
    swiftSettings: computing
  )
}

/// The tests of one room, under `Tests/`, with what else they need.
func tests(
  of name: String,
  _ dependencies: [Target.Dependency] = [],
  resources: [Resource] = []
) -> Target {
  .testTarget(
    name: "\(name)Tests",
    dependencies: [.target(name: name), "TestSupport"] + dependencies,
    resources: resources,
    swiftSettings: strict
  )
}

/// A program under `Benchmarks/`, with the rooms that it measures.
func benchmark(_ name: String, in folder: String, _ rooms: [Target.Dependency]) -> Target {
  .executableTarget(
    name: name,
    dependencies: rooms + ["BenchmarkSupport"],
    path: "Benchmarks/\(folder)",
    swiftSettings: strict
  )
}

let argumentParser = Target.Dependency.product(
  name: "ArgumentParser",
  package: "swift-argument-parser"
)
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let flyingFox: [Target.Dependency] = [
  .product(name: "FlyingFox", package: "FlyingFox"),
  .product(name: "FlyingSocks", package: "FlyingFox"),
]
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")

let ground: [Target.Dependency] = ["Quantities"]
let kernel: [Target.Dependency] = ["Quantities", "PageTables"]
let values: [Target.Dependency] = kernel + ["Observations"]
let profiles: [Target.Dependency] = values + ["Policies", "Profiles"]
let operations: [Target.Dependency] = profiles + ["Randomness", "Operations"]
let machine: [Target.Dependency] = operations + ["Events", "Machine"]
let scenarios: [Target.Dependency] = operations + ["Estimates", "Scenarios"]

let package = Package(
  name: "s2tune",
  platforms: [.macOS(.v26)],
  products: [.executable(name: "s2tune", targets: ["s2tune"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    .package(url: "https://github.com/swhitty/FlyingFox", "0.27.1"..<"0.28.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    // The ground: numbers with units, and chance.
    room("Quantities"),
    room("Randomness", ground),
    // Bytes in and out.
    room("Files"),
    // The kernel's page tables and what one may decide about them.
    room("PageTables", ground),
    room("Policies", kernel),
    room("Observations", kernel),
    room("Profiles", values + ["Policies", yams]),
    // What an operation is: where it happens, what it costs, call by call.
    room("Operations", profiles + ["Randomness"]),
    // The machine that runs them.
    room("Events", ground),
    room("Machine", operations + ["Events", histogram]),
    // What it comes to without running it; knows nothing of the machine, nor the machine of it.
    room("Estimates", operations),
    room("Scenarios", machine + ["Estimates"]),
    // Mathematics.
    // GSL's own package file names its BLAS; without it, OpenBLAS is the one that is found first.
    .systemLibrary(
      name: "CGSL",
      pkgConfig: usesOpenBLAS ? nil : "gsl",
      providers: [.apt(usesOpenBLAS ? ["libgsl-dev", "libopenblas-dev"] : ["libgsl-dev"])]
    ),
    .target(
      name: "GSLKit",
      dependencies: ["CGSL"],
      exclude: ["README.md"],
      swiftSettings: computing + [.strictMemorySafety()],
      linkerSettings: usesOpenBLAS ? [.linkedLibrary("openblas"), .linkedLibrary("m")] : []
    ),
    room("CostModels", values + ["Randomness", "GSLKit"]),
    room("Search", ["Randomness", "GSLKit"]),
    // What puts them to work.
    room("Campaigns", scenarios + ["GSLKit", "Files", grdb]),
    room("Calibration", scenarios + ["GSLKit", "Files", yams]),
    room(
      "Tuning",
      scenarios + ["CostModels", "Search", "Campaigns", "Calibration", "Files"]
    ),
    room("Reports", scenarios + ["CostModels", "Search", "Campaigns", "Calibration", "Tuning"]),
    // The local page and its API; the page's files become part of the program.
    .target(
      name: "Explorer",
      dependencies: scenarios
        + ["Machine", "CostModels", "Calibration", "Tuning", "Reports", "Files"] + flyingFox,
      exclude: ["README.md"],
      resources: ["index.html", "explorer.js", "explorer.css", "icon.svg", "openapi.json"]
        .map { .embedInCode("Page/\($0)") },
      swiftSettings: computing
    ),
    .executableTarget(
      name: "s2tune",
      dependencies: scenarios
        + [
          "Events", "Machine", "CostModels", "Search", "Campaigns", "Calibration", "Tuning",
          "Reports", "Files", "Explorer", argumentParser,
        ],
      exclude: ["README.md"],
      swiftSettings: strict
    ),
    // Examples that use the rooms as a library; CI builds and runs them.
    .executableTarget(
      name: "ChunkSizes",
      dependencies: ["Quantities", "PageTables"],
      path: "Examples/ChunkSizes",
      swiftSettings: strict,
      linkerSettings: [.linkedLibrary("m")]
    ),
    // Benchmarks that need the rooms' insides; a script beside each folder runs it. What they share
    // with tests is in the folder by symlinks.
    .target(name: "BenchmarkSupport", path: "Benchmarks/support", swiftSettings: strict),
    benchmark(
      "CampaignScale",
      in: "campaign/scale",
      scenarios + ["Campaigns", "CostModels", "Tuning"]
    ),
    benchmark("ModelSpeed", in: "model/speed", scenarios + ["CostModels", "Tuning"]),
    benchmark("PageTablesSpeed", in: "pagetables/speed", kernel),
    benchmark("SearchOverhead", in: "search/overhead", ["Randomness", "Search"]),
    benchmark("GSLKitLeaks", in: "leaks", ["GSLKit"]),
    // Inputs by the thousand, against the program as it is; Fuzz/run runs it.
    .executableTarget(
      name: "Fuzzer",
      dependencies: profiles + ["Randomness", "Operations", "Calibration", "Files"],
      path: "Fuzz/driver",
      swiftSettings: strict
    ),
    // The readers of texts under libFuzzer; Fuzz/coverage/run builds it so and runs it.
    .executableTarget(
      name: "ReaderFuzzer",
      dependencies: scenarios + ["Calibration", "Campaigns", "CostModels", "Tuning"],
      path: "Fuzz/coverage",
      exclude: ["run", "replay"],
      swiftSettings: strict
    ),
    // Tests mirror the rooms.
    .target(
      name: "TestSupport",
      dependencies: ["Quantities", "Randomness"],
      path: "Tests/TestSupport",
      swiftSettings: strict
    ),
    tests(of: "Quantities"),
    tests(of: "Randomness"),
    tests(of: "Files"),
    tests(of: "PageTables", ["Quantities", "Randomness"]),
    tests(of: "Policies", kernel),
    tests(of: "Observations", kernel),
    tests(of: "Profiles", values + ["Policies"]),
    tests(of: "Operations", profiles + ["Randomness"]),
    tests(of: "Events", ground),
    tests(of: "Machine", operations + ["Events"]),
    tests(of: "Estimates", operations + ["Scenarios"]),
    tests(of: "Scenarios", machine + ["Estimates"]),
    tests(of: "GSLKit", ["Randomness"], resources: [.copy("NIST")]),
    tests(of: "CostModels", operations + ["GSLKit", "Estimates"]),
    tests(of: "Search", ["Randomness"]),
    tests(of: "Campaigns", scenarios),
    tests(of: "Calibration", scenarios + ["Files"]),
    tests(
      of: "Tuning",
      scenarios + ["CostModels", "Search", "Campaigns", "Calibration", "Machine", "Files"]
    ),
    tests(of: "Reports", scenarios + ["Campaigns", "CostModels", "Tuning", "Calibration"]),
    tests(of: "Explorer", scenarios + ["Machine", "Tuning", "Calibration", "CostModels"]),
    tests(of: "s2tune", scenarios + ["Tuning", "Calibration"]),
  ],
  swiftLanguageModes: [.v6]
)
