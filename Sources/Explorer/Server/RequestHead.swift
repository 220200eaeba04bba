// SPDX-License-Identifier: GPL-3.0-or-later

import FlyingFox

/// A request line and its headers, read strictly: what two readers could understand differently is
/// refused.
struct RequestHead: Equatable, Sendable {
  /// The method, such as `GET`.
  let method: String
  /// The target before its query, as it was sent: nothing in it is decoded.
  let path: String
  /// The target after its question mark, as it was sent; empty where there is none.
  let query: String
  /// The headers in their order, their names in lower case.
  let headers: [Header]
  /// Whether the connection ends after the answer.
  let closes: Bool

  struct Header: Equatable, Sendable {
    let name: String
    let value: String
  }

  /// The bytes that end a head.
  static let end: [UInt8] = [13, 10, 13, 10]

  /// Reads a head without its last, empty line.
  init(parsing bytes: some Sequence<UInt8>, limits: ServerLimits) throws(Refused) {
    guard let text = String(validating: Array(bytes), as: UTF8.self) else {
      throw Refused(.badRequest, "the headers are not UTF-8; write ASCII")
    }
    // By characters a carriage return and its line feed are one.
    let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
    guard lines.count <= limits.headers + 1 else {
      throw Refused(
        .headTooLarge,
        "\(lines.count - 1) headers are too many; send at most \(limits.headers)"
      )
    }
    guard !lines[0].unicodeScalars.contains(where: Self.isControl) else {
      throw Refused(.badRequest, "the request line has a control character; write ASCII")
    }
    let words = lines[0].split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 3 else {
      throw Refused(
        .badRequest,
        "the request line '\(lines[0].prefix(80))' is not legal; write METHOD /path HTTP/1.1"
      )
    }
    guard words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0" else {
      throw Refused(.wrongVersion, "'\(words[2].prefix(20))' is not spoken here; write HTTP/1.1")
    }
    method = String(words[0])
    (path, query) = try Self.target(words[1])
    headers = try lines.dropFirst().map { line throws(Refused) in try Self.header(line) }
    let connection = Self.values("connection", headers).joined(separator: ",").lowercased()
    closes = words[2] == "HTTP/1.0" || connection.contains("close")
  }

  /// The only value of a header; nil where it is missing, and refused where it stands twice.
  func value(_ name: String) throws(Refused) -> String? {
    let values = Self.values(name, headers)
    guard values.count < 2 else {
      throw Refused(.badRequest, "the header \(name) stands \(values.count) times; send it once")
    }
    return values.first
  }

  /// The bytes of the body; refused where they cannot be known before they come.
  func length(limits: ServerLimits) throws(Refused) -> Int {
    guard try value("transfer-encoding") == nil else {
      throw Refused(.lengthRequired, "Transfer-Encoding is not taken; send Content-Length")
    }
    guard let text = try value("content-length") else { return 0 }
    guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else {
      throw Refused(
        .badRequest,
        "Content-Length '\(text.prefix(40))' is not legal; write a number of bytes"
      )
    }
    guard let length = Int(text), length <= limits.body else {
      throw Refused(
        .tooLarge,
        "a body of \(text.prefix(40)) bytes is too large; send at most \(limits.body)"
      )
    }
    return length
  }

  private static func values(_ name: String, _ headers: [Header]) -> [String] {
    headers.filter { $0.name == name }.map(\.value)
  }

  private static func target(_ text: Substring) throws(Refused) -> (String, String) {
    let isLegal = text.utf8.allSatisfy { (33...126).contains($0) }
    guard text.first == "/", isLegal else {
      throw Refused(
        .badRequest,
        "the target '\(text.prefix(80))' is not legal; write a path such as /api/v1/predict"
      )
    }
    let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
  }

  private static func header(_ line: Substring) throws(Refused) -> Header {
    let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, parts[0].utf8.allSatisfy(isToken) else {
      throw Refused(
        .badRequest,
        "the header line '\(line.prefix(80))' is not legal; write name: value"
      )
    }
    guard !parts[1].unicodeScalars.contains(where: isControl) else {
      throw Refused(.badRequest, "the header \(parts[0].prefix(40)) has a control character")
    }
    let value = parts[1].drop { $0 == " " || $0 == "\t" }
    let blanks = value.reversed().prefix { $0 == " " || $0 == "\t" }.count
    return Header(name: parts[0].lowercased(), value: String(value.dropLast(blanks)))
  }

  private static func isToken(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, 65...90, 97...122: true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    (scalar.value < 32 && scalar != "\t") || scalar.value == 127
  }
}
