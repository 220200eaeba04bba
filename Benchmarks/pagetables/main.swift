// SPDX-License-Identifier: GPL-3.0-or-later

// The speed and memory of counting: what `Benchmarks/pagetables/run.sh` builds and runs, together
// with the naive twin of the tests.

import Foundation
import Quantities

@testable import PageTables

/// The resident set in bytes, from /proc/self/statm.
func residentBytes() -> Int {
  let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
  let fields = text.split(separator: " ").compactMap { Int($0) }
  return fields.count > 1 ? fields[1] * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
}

/// Seconds of each of `rounds` runs, in ascending order.
func seconds(_ rounds: Int, _ body: () throws -> Void) rethrows -> [Double] {
  let clock = ContinuousClock()
  return try (0..<rounds).map { _ in
    let spent = try clock.measure { try body() }.components
    return Double(spent.seconds) + Double(spent.attoseconds) * 1e-18
  }.sorted()
}

func microseconds(_ seconds: Double) -> String { String(format: "%.1f us", seconds * 1e6) }

/// Prints a target with what was measured and whether it is met.
func report(_ name: String, _ measured: String, _ target: String, _ isMet: Bool) {
  print("\(isMet ? "met   " : "missed")  \(name): \(measured), target \(target)")
}

func setting(_ release: KernelRelease, _ bits: Int) throws -> (StageTwoGeometry, StageTwoRules) {
  let features = CPUFeatures(forcedWriteBack: true, rangeTLBI: true, largeAddresses: bits > 48)
  return (
    try StageTwoGeometry(granule: .size4K, ipaBits: bits),
    try StageTwoRules(release, features)
  )
}

/// 256 GiB of 4K pages in 2 MiB chunks: cold, then warm.
func countUnmap() throws {
  var (geometry, rules) = try setting(KernelRelease(major: 6, minor: 12), 40)
  rules.chunk = .smallestBlock
  let range = AddressRange(start: GuestAddress(rawValue: 1 << 30), size: .gibibytes(256))
  let before = residentBytes()
  var tables = StageTwo(geometry: geometry)
  var chunks: Int64 = 0
  var visits: Int64 = 0
  func count() throws {
    var copy = tables
    let train = try copy.unmap(range, rules)
    chunks = train.chunkCount
    visits = train.total.unmapVisits
  }
  let cold = try seconds(1) {
    try tables.map(range, level: 3)
    try count()
  }[0]
  let warm = try seconds(2_001, count)
  let grown = Double(residentBytes() - before) / 1_048_576
  precondition(chunks == 131_072 && visits == 67_108_864 + 131_072 + 131_072 + 0)
  report("256 GiB of pages, 131,072 chunks, cold", microseconds(cold), "5000 us", cold < 5e-3)
  report(
    "256 GiB of pages, warm, median of 2001 (least \(microseconds(warm[0])))",
    microseconds(warm[1_000]),
    "50 us",
    warm[1_000] < 50e-6
  )
  report("memory added", String(format: "%.1f MiB", grown), "20 MiB", grown < 20)
  try compareWithTwin(geometry, rules, warm[1_000])
}

/// The twin on one GiB, times 256.
func compareWithTwin(
  _ geometry: StageTwoGeometry,
  _ rules: StageTwoRules,
  _ fast: Double
) throws {
  let low = Int64(1) << 30
  let twins = (0..<3).map { _ in
    let twin = NaiveTwin(geometry: geometry)
    twin.map(low, 2 * low, level: 3)
    return twin
  }
  var next = 0
  let slow = try seconds(3) {
    _ = try twins[next].unmap(low, 2 * low, rules)
    next += 1
  }[1]
  print(
    String(
      format: "        the naive twin, 1 GiB: %.1f ms; over 256 GiB %.0f times as slow",
      slow * 1e3,
      slow * 256 / fast
    )
  )
}

/// Destroy over a 52-bit space with 4K pages, 64 GiB of it mapped: 4 million walks.
func countDestroy() throws {
  let (geometry, rules) = try setting(KernelRelease(major: 7, minor: 3), 52)
  var tables = StageTwo(geometry: geometry)
  try tables.map(
    AddressRange(start: GuestAddress(rawValue: 1 << 32), size: .gibibytes(64)),
    level: 3
  )
  var walks: Int64 = 0
  let times = seconds(501) {
    var copy = tables
    walks = copy.destroy(rules).total.destroyRangeCalls
  }
  precondition(walks == 4_194_304)
  report(
    "destroy over 52 bits, 4,194,304 walks, median of 501",
    microseconds(times[250]),
    "1000 us",
    times[250] < 1e-3
  )
}

/// CLEAR of 256 GiB of blocks, word by word, each block split eagerly.
func countClear() throws {
  let (geometry, rules) = try setting(KernelRelease(major: 6, minor: 12), 40)
  let range = AddressRange(start: GuestAddress(rawValue: 1 << 30), size: .gibibytes(256))
  var tables = StageTwo(geometry: geometry)
  try tables.map(range, level: 2)
  let all = DirtyPages(0..<range.size.divided(roundedDownBy: .kibibytes(4)))
  var words: Int64 = 0
  let times = try seconds(5) {
    var copy = tables
    var plan: SplitPlan? = try SplitPlan(
      chunk: .mebibytes(2),
      granule: .size4K,
      release: rules.release
    )
    words = try copy.harvest(all, of: range, rules, plan: &plan).total.wrprotectCalls
  }
  precondition(words == 1_048_576)
  print("        CLEAR of 256 GiB with splits, 1,048,576 words: \(microseconds(times[2]))")
}

/// 256 GiB of 4K pages in chunks that end on work: the shortest, and one in no step with tables.
func countVisits() throws {
  var (geometry, rules) = try setting(KernelRelease(major: 6, minor: 12), 40)
  let range = AddressRange(start: GuestAddress(rawValue: 1 << 30), size: .gibibytes(256))
  var tables = StageTwo(geometry: geometry)
  try tables.map(range, level: 3)
  for visits in [64, 1_000] {
    rules.chunk = .visits(visits)
    var chunks: Int64 = 0
    let times = try seconds(5) {
      var copy = tables
      chunks = try copy.unmap(range, rules).chunkCount
    }
    report(
      "256 GiB of pages, \(chunks) chunks of \(visits) visits, median of 5",
      microseconds(times[2]),
      "200000 us",
      times[2] < 0.2
    )
  }
}

try countUnmap()
try countVisits()
try countClear()
try countDestroy()
