// SPDX-License-Identifier: GPL-3.0-or-later

public import Foundation
import PageTables
import Policies
public import Profiles
import Quantities

/// A response of an entry: under the present policy and under the recommended one.
public struct TableEffect: Hashable, Sendable, Codable {
  /// The response; its raw value carries the unit.
  public let response: Response
  /// Its mean under the present policy.
  public let present: Double?
  /// Its mean under the recommended policy.
  public let recommended: Double?
  /// The lower end of the recommended one's interval.
  public let low: Double?
  /// The upper end of the recommended one's interval.
  public let high: Double?
}

/// What a kernel or a VMM can know about a case, by which a table is looked up.
public struct TableKey: Hashable, Sendable, Codable {
  /// The page size.
  public let granule: String
  /// The CPU features that matter, as profiles write them.
  public let features: String
  /// The share of the memory in level-2 blocks, 0 to 1.
  public let blockShare: Double
  /// Guest memory in bytes.
  public let memory: Int64
  /// What is offered to the CPU's network queue, in bits per second.
  public let offered: Int64
  /// What is done to the guest.
  public let operation: StageTwoOperation

  enum CodingKeys: String, CodingKey {
    case granule, features
    case blockShare = "block_share"
    case memory = "memory_bytes"
    case offered = "offered_bits_per_s"
    case operation
  }

  init(_ question: Question) {
    granule = question.host.granule.rawValue
    features = question.host.features.list
    blockShare = question.workload.memory.blockShare
    memory = question.workload.memory.size.rawValue
    offered = question.workload.network.offered.rawValue
    operation = question.workload.operation
  }
}

/// One case of a tuning table, with its baseline beside every value.
public struct TableEntry: Hashable, Sendable, Codable {
  /// The host profile's name.
  public let host: String
  /// The kernel profile's name.
  public let kernel: String
  /// The workload profile's name.
  public let workload: String
  /// By what the case is looked up.
  public let key: TableKey
  /// What came out.
  public let verdict: Verdict
  /// The present policy's text.
  public let present: String
  /// The recommended policy's text; nil where no policy is feasible.
  public let recommended: String?
  /// The best policy with a kernel change.
  public let kernelChange: String?
  /// The limits it keeps.
  public let limits: [String]
  /// The responses.
  public let effects: [TableEffect]
  /// When the entry stops being valid.
  public let holds: [String]
  /// The cost model's identity; nil where only runs decided.
  public let model: String?
  /// Runs behind the entry.
  public let runs: Int
  /// The seed of the runs.
  public let seed: UInt64

  enum CodingKeys: String, CodingKey {
    case host, kernel, workload, key, verdict
    case present = "present_policy"
    case recommended = "recommended_policy"
    case kernelChange = "kernel_change_policy"
    case limits, effects, holds, model, runs, seed
  }

  /// The name of the case, unique in its table.
  public var name: String { "\(host)/\(kernel)/\(workload)" }

  /// Creates the entry of an answer.
  init(_ answer: Recommendation, question: Question) {
    let now = answer.rows.first { $0.role == .now }
    let best = answer.recommended
    host = question.host.name
    kernel = question.kernel.name
    workload = question.workload.name
    key = TableKey(question)
    verdict = answer.verdict
    present = now?.policy ?? question.presentPolicy.description
    recommended = best?.policy
    kernelChange = answer.rows.first { $0.role == .kernel }?.policy
    limits = answer.asked.limits
    effects = (now?.effects ?? []).map { effect in
      let other = best?.effects.first { $0.response == effect.response }?.simulated
      return TableEffect(
        response: effect.response,
        present: effect.simulated?.value,
        recommended: other?.value,
        low: other?.low,
        high: other?.high
      )
    }
    holds = answer.holds.map(\.sentence)
    model = answer.basis.model
    runs = answer.basis.runs
    seed = answer.basis.seed
  }
}

/// Answers for many workloads and hosts, in a form that machines read.
public struct TuningTable: Hashable, Sendable, Codable {
  /// The version of the JSON form.
  public static let schemaVersion = 1

  /// The version of the form this was written in.
  public let schema: Int
  /// What made the table: program, simulator and model.
  public let engine: String
  /// The entries, in the order of host, kernel, workload.
  public let entries: [TableEntry]

  enum CodingKeys: String, CodingKey {
    case schema = "schema_version"
    case engine, entries
  }

  /// Creates a table; entries are put in order.
  public init(engine: String, entries: [TableEntry]) {
    schema = Self.schemaVersion
    self.engine = engine
    self.entries = entries.sorted {
      ($0.host, $0.kernel, $0.workload) < ($1.host, $1.kernel, $1.workload)
    }
  }

  /// Reads a table and refuses one that does not hold together, with the entry and the problem.
  public init(json data: Data, file: String) throws(TuningError) {
    do {
      self = try AnswerStore.decoder.decode(TuningTable.self, from: data)
    } catch {
      throw .noTable(file: file, problem: decodingProblem(error))
    }
    try check(file: file)
  }

  private func check(file: String) throws(TuningError) {
    guard schema == Self.schemaVersion else {
      let problem = "schema version \(schema); this program reads \(Self.schemaVersion)"
      throw .badTable(file: file, entry: "-", problem: problem)
    }
    var names: Set<String> = []
    for entry in entries {
      guard names.insert(entry.name).inserted else {
        throw .badTable(file: file, entry: entry.name, problem: "it stands there twice")
      }
      if let problem = entry.problem {
        throw .badTable(file: file, entry: entry.name, problem: problem)
      }
    }
  }
}

extension TableEntry {
  /// What does not hold together in an entry, or nil.
  var problem: String? {
    if (verdict == .noneFeasible) != (recommended == nil) {
      return "the verdict \(verdict.rawValue) does not go with the recommended policy"
    }
    for text in [present, recommended, kernelChange].compactMap({ $0 }) {
      do {
        _ = try Policy(parsing: text)
      } catch {
        return error.description
      }
    }
    if !(0...1).contains(key.blockShare) { return "a block share of \(key.blockShare)" }
    if key.memory <= 0 { return "a memory of \(key.memory) bytes" }
    for effect in effects {
      guard let low = effect.low, let high = effect.high, let value = effect.recommended else {
        continue
      }
      if !(low...max(low, high)).contains(value) || low > high {
        return "\(effect.response.rawValue) \(value) lies outside its interval \(low) to \(high)"
      }
    }
    return nil
  }

  /// The policy with this text over the present one.
  func policy(_ text: String) -> Policy? { try? Policy(parsing: text) }
}
