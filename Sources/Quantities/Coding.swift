// SPDX-License-Identifier: GPL-3.0-or-later

extension Nanoseconds: Codable {
  /// Reads a whole number of nanoseconds.
  public init(from decoder: any Decoder) throws {
    self.init(rawValue: try decoder.singleValueContainer().decode(Int64.self))
  }

  /// Writes a whole number of nanoseconds.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }
}

extension ByteCount: Codable {
  /// Reads a whole number of bytes.
  public init(from decoder: any Decoder) throws {
    self.init(rawValue: try decoder.singleValueContainer().decode(Int64.self))
  }

  /// Writes a whole number of bytes.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }
}

extension BitRate: Codable {
  /// Reads a whole number of bits per second.
  public init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer().decode(Int64.self)
    guard value >= 0 else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "rate \(value) is negative")
      )
    }
    self.init(rawValue: value)
  }

  /// Writes a whole number of bits per second.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }
}

/// What a decoder objected to and where, in a few words: `no 'engine' at the top`.
package func decodingProblem(_ error: any Error) -> String {
  guard let error = error as? DecodingError else { return "\(error)" }
  switch error {
  case .keyNotFound(let key, let context): return "no '\(key.stringValue)' at \(path(context))"
  case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
    let problem = context.debugDescription
    return "\(problem.hasSuffix(".") ? String(problem.dropLast()) : problem) at \(path(context))"
  @unknown default: return "\(error)"
  }
}

private func path(_ context: DecodingError.Context) -> String {
  let keys = context.codingPath.map(\.stringValue)
  return keys.isEmpty ? "the top" : keys.joined(separator: ".")
}
