// SPDX-License-Identifier: GPL-3.0-or-later

// How a store of runs scales: what `Benchmarks/campaign/scale.sh` builds and runs.
//
//   CampaignScale [RUNS [SHORT]]      a million and ten thousand unless given
//
// The runs are copies of one real run of a shipped workload, each with its own seed and place, so that a
// row has the size of a real one. Times are of one process on one file.

import Campaigns
import CostModels
import Foundation
import Observations
import Operations
import Policies
import Profiles
import Quantities
import Randomness
import Scenarios
import Tuning

let numbers = CommandLine.arguments.dropFirst().compactMap { Int($0) }
let count = numbers.first ?? 1_000_000
let short = numbers.dropFirst().first ?? 10_000
let folder = FileManager.default.temporaryDirectory.appending(path: "s2tune-scale-\(getpid())")
try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
defer { try? FileManager.default.removeItem(at: folder) }
let path = folder.appending(path: "runs.db").path

/// How long something takes, in seconds.
func timed<Value>(_ body: () throws -> Value) rethrows -> (value: Value, time: Double) {
  let start = ContinuousClock.now
  let value = try body()
  return (value, (ContinuousClock.now - start) / .seconds(1))
}

func row(_ what: String, _ value: String, _ target: String = "") {
  print("| \(what) | \(value) | \(target) |")
}

let profiles = ProfileStore.standard(named: nil)
let setup = Setup(
  host: try profiles.load(HostProfile.self, named: "graviton3").profile,
  kernel: try profiles.load(KernelProfile.self, named: "6.1").profile,
  workload: try profiles.load(WorkloadProfile.self, named: "ci-microvm").profile
)
let policy = setup.setting.baseline
let points = (0..<count).map { index in
  DesignPoint(index: index, setup: setup, policy: policy, seed: UInt64(index))
}
let real = try points[0].run(extent: .window(.standard))
let features = FeatureVector(values: real.features)
let outcomes = { (range: Range<Int>) in
  range.map { index -> RunOutcome in
    let record = RunRecord(index: index, group: 0, features: features, report: real.report)
    return .done(record, seconds: 0.01)
  }
}

print("| \(count) runs | | target |\n|---|---:|---:|")
let store = try RunDatabase(path)
let (design, entering) = try timed {
  try store.enter(points, named: "scale", seed: 1, extent: .window)
}
row("entering the design", "\(decimal(entering)) s")
let batch = 1_000
var (encoding, keeping) = (0.0, 0.0)
for start in stride(from: 0, to: count, by: batch) {
  let part = outcomes(start..<min(start + batch, count))
  let encoded = try timed { try part.map { try EncodedOutcome($0, for: path) } }
  encoding += encoded.time
  keeping += try timed { try store.keep(encoded.value, of: design) }.time
}
row(
  "encoding a run, on the thread that made it",
  "\(decimal(encoding / Double(count) * 1e3)) ms"
)
row(
  "keeping a run, in batches of \(batch)",
  "\(decimal(keeping / Double(count) * 1e3)) ms",
  "0.1 ms"
)
let status = try timed { try store.status() }
precondition(status.value.campaigns[0].done == count, "every run is there")
row("status", "\(decimal(status.time * 1e3)) ms", "200 ms")
let fitted = min(count, 100_000)
let part = try store.enter(Array(points.prefix(fitted)), named: "part", seed: 1, extent: .window)
let read = try timed { try store.observations(of: part) }
precondition(read.value.count == fitted, "every run is read")
row("reading \(fitted) runs for a fit", "\(decimal(read.time)) s", "5 s")
let digest = try timed { try store.digest(of: part) }
row("their digest", "\(decimal(digest.time)) s")
_ = try store.clean(dropping: [])
row("the file, a run", "\(store.size / Int64(count)) bytes")

// The same short runs without a store and into one, in turn: what keeping them costs.
let space = DesignSpace(hosts: [setup.host], kernels: [setup.kernel], workloads: [setup.workload])
let drawn = try space.points(short, seed: Seed(1))
let cores = ProcessInfo.processInfo.activeProcessorCount
let bare = timed {
  inParallel(short, workers: cores) { [drawn] in drawn[$0].outcome(.window, eventLimit: 50_000_000)
  }
}
let kept = try RunDatabase(folder.appending(path: "short.db").path)
let shortDesign = try kept.enter(drawn, named: "short", seed: 1, extent: .window)
let stored = try timed {
  try kept.run(
    shortDesign,
    points: drawn,
    extent: .window,
    by: LocalExecutor(workers: cores, extent: .window, eventLimit: 50_000_000)
  )
}
precondition(bare.value.count == short, "every run is made")
row(
  "\(short) short runs on \(cores) processors, of the rate without a store",
  "\(decimal(100 * bare.time / stored.time)) %",
  "90 %"
)
row("the same, runs a second", decimal(Double(short) / stored.time))

/// A number with three digits.
func decimal(_ value: Double) -> String { significant(value, digits: 3) }
