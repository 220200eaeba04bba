// SPDX-License-Identifier: GPL-3.0-or-later

import Files
import Foundation
import Quantities
import Scenarios

/// A directory that a cluster's nodes share: runs in chunks, and what came of each chunk.
///
/// `chunks/N.json` says which runs chunk N is, `results/N.jsonl` holds what came of them and is there whole or not
/// at all, `jobs/N.json` says which chunks the elements of a job array are. A chunk that is made twice has the same
/// result twice.
package struct ClusterFolder: Sendable {
  /// The directory.
  package let path: String

  /// Names a directory; it is made when something is written to it.
  package init(_ path: String) {
    let url = URL(filePath: path).standardizedFileURL
    self.path = url.path
  }

  /// Runs of a design that are made one after another on one node.
  package struct Chunk: Hashable, Sendable, Codable {
    /// What the design is made from.
    package let plan: CampaignPlan
    /// The digest of its points: a node with other profiles refuses the chunk.
    package let digest: String
    /// The simulator that the runs are of.
    package let simulator: String
    /// Events after which a run is refused.
    package let eventLimit: Int64
    /// Places in the design.
    package let places: [Int]
  }

  /// What came of one run of a chunk.
  private struct Result: Codable {
    let index: Int
    var record: RunRecord?
    var seconds: Double?
    var refused: String?

    init(_ outcome: RunOutcome) {
      index = outcome.index
      switch outcome {
      case .done(let record, let seconds): (self.record, self.seconds) = (record, seconds)
      case .refused(_, let reason): refused = reason
      }
    }

    var outcome: RunOutcome? {
      if let record { return .done(record, seconds: seconds ?? 0) }
      return refused.map { .refused(index: index, reason: $0) }
    }
  }

  private func file(_ kind: String, _ number: Int, _ ending: String) -> String {
    let digits = String(number)
    let zeros = String(repeating: "0", count: max(0, 6 - digits.count))
    return "\(path)/\(kind)/\(zeros)\(digits).\(ending)"
  }

  private func numbers(_ kind: String, _ ending: String) -> [Int] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(kind)")) ?? []
    return names.filter { $0.hasSuffix("." + ending) }
      .compactMap { Int($0.dropLast(ending.count + 1)) }.sorted()
  }

  private func write(_ value: some Encodable, to file: String) throws(CampaignError) {
    do {
      let folder = URL(filePath: file).deletingLastPathComponent()
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try WholeFile.write(try JSON.data(value), to: file, replaces: true)
    } catch {
      throw .file(name: file, reason: "\(error)")
    }
  }

  private func read<Value: Decodable>(_ file: String) throws(CampaignError) -> Value {
    do {
      let data = try TextFile.data(file, limit: 64 << 20)
      return try JSONDecoder().decode(Value.self, from: data)
    } catch let error as FileError {
      throw .file(name: file, reason: "\(error)")
    } catch {
      throw .file(name: file, reason: "this is not what 's2tune campaign chunks' writes")
    }
  }

  /// The numbers of the chunks.
  package var chunks: [Int] { numbers("chunks", "json") }

  /// The numbers of the chunks whose results are there.
  package var results: [Int] { numbers("results", "jsonl") }

  /// Reads a chunk.
  package func chunk(_ number: Int) throws(CampaignError) -> Chunk {
    try read(file("chunks", number, "json"))
  }

  /// Writes runs as chunks after those that are there; the numbers of the new ones.
  package func add(
    _ places: [Int],
    of design: StoredDesign,
    runs: Int,
    eventLimit: Int64
  ) throws(CampaignError) -> [Int] {
    guard let plan = design.plan else {
      throw .file(
        name: design.name,
        reason: "a cluster makes runs of a plan, and this design has none"
      )
    }
    for kind in ["chunks", "results", "jobs", "log"] {
      do {
        try FileManager.default.createDirectory(
          atPath: "\(path)/\(kind)",
          withIntermediateDirectories: true
        )
      } catch {
        throw .file(name: path, reason: error.localizedDescription)
      }
    }
    var (number, added) = ((chunks.last ?? -1) + 1, [Int]())
    for start in stride(from: 0, to: places.count, by: runs) {
      let chunk = Chunk(
        plan: plan,
        digest: design.digest,
        simulator: design.simulator,
        eventLimit: eventLimit,
        places: Array(places[start..<min(start + runs, places.count)])
      )
      try write(chunk, to: file("chunks", number, "json"))
      added.append(number)
      number += 1
    }
    return added
  }

  /// What came of a chunk's runs; nil where its result is not there.
  package func outcomes(of number: Int) throws(CampaignError) -> [RunOutcome]? {
    let file = file("results", number, "jsonl")
    guard FileManager.default.fileExists(atPath: file) else { return nil }
    var found: [RunOutcome] = []
    for line in try ChecksummedLines(file).lines {
      guard let result: Result = line.value(), let outcome = result.outcome else {
        throw .corrupt(file: file, line: line.number)
      }
      found.append(outcome)
    }
    return found
  }

  /// Keeps what came of a chunk's runs, whole or not at all.
  package func keep(_ outcomes: [RunOutcome], of number: Int) throws(CampaignError) {
    let file = file("results", number, "jsonl")
    do {
      var text = ""
      for outcome in outcomes {
        text += RunLines.line(try JSON.text(Result(outcome), isPretty: false))
      }
      let folder = URL(filePath: file).deletingLastPathComponent()
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try WholeFile.write(Data(text.utf8), to: file, replaces: true)
    } catch {
      throw .file(name: file, reason: "\(error)")
    }
  }

  /// A job array and the chunks that its elements are.
  package struct Job: Hashable, Sendable, Codable {
    /// The scheduler's number of the job; nil before it has one.
    package var job: String?
    /// The chunk of each element, the first that of element 0.
    package let chunks: [Int]
  }

  /// The job arrays that were submitted, in their order.
  package func jobs() throws(CampaignError) -> [(number: Int, job: Job)] {
    var found: [(number: Int, job: Job)] = []
    for number in numbers("jobs", "json") {
      found.append((number, try read(file("jobs", number, "json"))))
    }
    return found
  }

  /// Keeps a job array.
  package func keep(_ job: Job, _ number: Int) throws(CampaignError) {
    try write(job, to: file("jobs", number, "json"))
  }

  /// The chunk that an element of a job array is.
  package func chunk(ofElement index: Int, job number: Int) throws(CampaignError) -> Int {
    let job: Job = try read(file("jobs", number, "json"))
    guard job.chunks.indices.contains(index) else {
      throw .file(
        name: file("jobs", number, "json"),
        reason: "the job has elements 0 to \(job.chunks.count - 1), not \(index)"
      )
    }
    return job.chunks[index]
  }
}

extension ClusterFolder.Chunk {
  /// Makes the chunk's runs; points are those of its plan.
  package func outcomes(
    of points: [DesignPoint],
    workers: Int,
    file: String
  ) throws(CampaignError) -> [RunOutcome] {
    guard simulator == Scenario.simulatorVersion else {
      throw .foreign(
        file: file,
        quantity: "simulator",
        found: simulator,
        expected: Scenario.simulatorVersion
      )
    }
    var own: [DesignPoint] = []
    for place in places {
      guard points.indices.contains(place) else {
        throw .run(index: place, reason: "the design has no such run")
      }
      own.append(points[place])
    }
    let (extent, limit) = (plan.extent, eventLimit)
    return inParallel(own.count, workers: workers) { [own] in
      own[$0].outcome(extent, eventLimit: limit)
    }
  }
}
