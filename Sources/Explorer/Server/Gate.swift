// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// Who may ask: hosts by which the server is named, pages that may ask it, and the token's owner.
///
/// A page of another site can make a browser send requests here, and a name that its owner points at
/// 127.0.0.1 lets it read the answers. Both are told by headers that such a page cannot choose.
struct Gate: Sendable {
  /// The port that is listened to.
  let port: UInt16
  /// The address that was asked for by name; nil where only this machine may ask.
  let address: String?
  /// What a request for data has to know; nil where the machine's own users may ask.
  let token: String?

  /// Refuses a request that is not meant for this server or comes from another site's page.
  func check(_ head: RequestHead) throws(Refused) {
    guard let host = try head.value("host") else {
      throw Refused(.badRequest, "the header Host is missing; write \(example)")
    }
    guard isOurs(host) else {
      throw Refused(
        .forbidden,
        "the Host '\(host.prefix(80))' is not this server; ask for \(example)"
      )
    }
    if let origin = try head.value("origin"), origin.lowercased() != "http://\(host.lowercased())" {
      throw Refused(
        .forbidden,
        "the Origin '\(origin.prefix(80))' is not this server's page; open http://\(host)/"
      )
    }
    if let site = try head.value("sec-fetch-site"), site == "cross-site" || site == "same-site",
      head.path != "/"
    {
      throw Refused(
        .forbidden,
        "the Sec-Fetch-Site '\(site)' is another site's page; open http://\(host)/"
      )
    }
  }

  /// Refuses a request for data without the token, where there is one.
  func checkToken(_ head: RequestHead) throws(Refused) {
    guard let token else { return }
    let given = try head.value("authorization") ?? ""
    let prefix = "Bearer "
    guard given.hasPrefix(prefix), Self.equals(String(given.dropFirst(prefix.count)), token) else {
      throw Refused(
        .unauthorized,
        "the token is missing or wrong; send Authorization: Bearer TOKEN with the text of --token's file"
      )
    }
  }

  private var example: String { "\(Self.bracketed(address ?? "127.0.0.1")):\(port)" }

  /// Whether a Host header names this server.
  private func isOurs(_ host: String) -> Bool {
    let host = host.lowercased()
    let suffix = ":\(port)"
    let name: String
    if host.hasSuffix(suffix) {
      name = String(host.dropLast(suffix.count))
    } else if port == 80, !host.hasSuffix("]"), !host.contains(":") {
      name = host
    } else {
      return false
    }
    if ["127.0.0.1", "[::1]", "localhost"].contains(name) { return true }
    guard let address else { return false }
    // A numeric address cannot be pointed anywhere by a foreign name server.
    let isAny = address == "0.0.0.0" || address == "::"
    return name == Self.bracketed(address.lowercased()) || (isAny && Self.isNumeric(name))
  }

  /// An address as a Host header writes it.
  static func bracketed(_ address: String) -> String {
    address.contains(":") ? "[\(address)]" : address
  }

  /// Whether a host is an IPv4 address, or an IPv6 address in brackets.
  private static func isNumeric(_ host: String) -> Bool {
    var four = in_addr()
    if inet_pton(AF_INET, host, &four) == 1 { return true }
    guard host.hasPrefix("["), host.hasSuffix("]") else { return false }
    var six = in6_addr()
    return inet_pton(AF_INET6, String(host.dropFirst().dropLast()), &six) == 1
  }

  /// Compares two texts in a time that does not tell where they differ.
  static func equals(_ given: String, _ wanted: String) -> Bool {
    let (given, wanted) = (Array(given.utf8), Array(wanted.utf8))
    var difference = given.count ^ wanted.count
    for (place, byte) in wanted.enumerated() {
      difference |= Int(byte ^ (place < given.count ? given[place] : 0))
    }
    return difference == 0
  }
}
