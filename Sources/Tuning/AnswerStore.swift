// SPDX-License-Identifier: GPL-3.0-or-later

import Files
package import Foundation
import Policies
import Operations
import Profiles
import Quantities

/// What answers: an answer is good only for the simulator and the model that made it.
package struct Engine: Hashable, Sendable, Codable, CustomStringConvertible {
  /// The simulator's version.
  package let simulator: String
  /// The cost model's identity; nil where runs alone decide.
  package let model: String?

  /// Creates the identity of what answers.
  package init(simulator: String, model: String?) {
    (self.simulator, self.model) = (simulator, model)
  }

  /// Both in words.
  package var description: String { "simulator \(simulator), model \(model ?? "none")" }
}

/// Verified answers on disk, one file a question; a file is never half written.
///
/// A file says what made it and, by a key, everything else the answer depends on: all values of
/// the three profiles, limits, knobs, budget, confidence and seed. A changed profile therefore finds
/// nothing, and an answer of another simulator or model is stale and answered anew.
package struct AnswerStore: Sendable {
  /// Directories that are searched, most specific first.
  package let directories: [URL]
  /// Where new answers are kept; nil keeps none.
  package let kept: URL?

  /// Creates a store that searches directories, the kept one first unless all is to be fresh.
  package init(directories: [URL], kept: URL? = nil, fresh: Bool = false) {
    self.directories = (fresh ? [] : kept.map { [$0] } ?? []) + directories
    self.kept = kept
  }

  /// What was found for a question.
  package enum Found: Sendable {
    /// An answer to exactly this question, of this engine.
    case answer(Recommendation)
    /// An answer to this question of another engine, which must not be used.
    case stale(file: String, engine: Engine)
    /// Nothing, or an answer to another question.
    case nothing
  }

  /// The version of the files' form.
  static let schemaVersion = 2

  /// What stands in a file.
  private struct Stored: Codable {
    let schema: Int
    let engine: Engine
    let key: String
    let answer: Recommendation

    enum CodingKeys: String, CodingKey {
      case schema = "schema_version"
      case engine, key, answer
    }
  }

  /// What stands in a file before the answer, readable in any version.
  private struct Head: Codable {
    let schema: Int
    let engine: Engine
    let key: String

    enum CodingKeys: String, CodingKey {
      case schema = "schema_version"
      case engine, key
    }
  }

  /// The key of a question: 32 hexadecimal digits.
  package static func key(_ question: Question) -> String {
    let limits = question.limits.map(\.description).joined(separator: ",")
    let parts = [
      question.setup.fingerprint, question.presentPolicy.description, question.goal.rawValue,
      limits,
      question.knobs.rawValue, "\(question.budget)", "\(question.confidence)",
      "\(question.seed)", "\(question.thinning)", question.vmm.rawValue,
      question.pinned.map(\.rawValue).sorted().joined(separator: ","),
    ]
    let text = parts.joined(separator: "\u{1F}")
    return Digest.wide(of: text)
  }

  /// The file of a question below a directory: one a host, kernel and workload.
  static func path(_ question: Question) -> String {
    "\(question.host.name)/\(question.kernel.name)/\(question.workload.name).json"
  }

  /// Looks a question up; throws `badStore` for a file that holds no answer.
  package func find(_ question: Question, engine: Engine) throws(TuningError) -> Found {
    let key = Self.key(question)
    var stale: Found = .nothing
    for directory in directories {
      let file = directory.appendingPathComponent(Self.path(question))
      guard let data = try Self.bytes(file) else { continue }
      let head: Head = try Self.read(data, file)
      guard head.key == key else { continue }
      guard head.engine == engine, head.schema == Self.schemaVersion else {
        stale = .stale(file: file.path, engine: head.engine)
        continue
      }
      let stored: Stored = try Self.read(data, file)
      guard stored.answer.schema == Recommendation.schemaVersion else {
        stale = .stale(file: file.path, engine: head.engine)
        continue
      }
      return .answer(stored.answer)
    }
    return stale
  }

  /// The largest stored answer, in bytes; those that ship have some ten thousand.
  private static let byteLimit = 16 << 20

  /// The bytes of a file; nil where there is none.
  private static func bytes(_ file: URL) throws(TuningError) -> Data? {
    do throws(FileError) {
      return try TextFile.data(file.path, limit: byteLimit)
    } catch {
      guard case .tooLarge = error else { return nil }
      throw .badStore(file: file.path, problem: "it has more than \(byteLimit) bytes")
    }
  }

  private static func read<Value: Decodable>(
    _ data: Data,
    _ file: URL
  ) throws(TuningError) -> Value {
    do {
      return try decoder.decode(Value.self, from: data)
    } catch {
      throw .badStore(file: file.path, problem: decodingProblem(error))
    }
  }

  /// Keeps an answer, replacing an older one at once; does nothing without a kept directory.
  package func save(
    _ answer: Recommendation,
    to question: Question,
    engine: Engine
  ) throws(TuningError) {
    guard let kept else { return }
    let file = kept.appendingPathComponent(Self.path(question))
    let stored = Stored(
      schema: Self.schemaVersion,
      engine: engine,
      key: Self.key(question),
      answer: answer
    )
    do {
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(),
        withIntermediateDirectories: true
      )
      try WholeFile.write(
        Self.json(stored, isPretty: false),
        to: file.path,
        replaces: true
      )
    } catch {
      throw .notWritten(file: file.path, error)
    }
  }

  /// A value as bytes: sorted keys, infinities as text, equal for equal values.
  package static func json(_ value: some Encodable, isPretty: Bool = true) throws -> Data {
    try JSON.data(value, isPretty: isPretty, writesInfinities: true) + Data("\n".utf8)
  }

  /// The decoder that reads what `json` writes, infinities included.
  package static var decoder: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf",
      negativeInfinity: "-inf",
      nan: "nan"
    )
    return decoder
  }
}
