// SPDX-License-Identifier: GPL-3.0-or-later

import FlyingFox
import Foundation

/// The files of the page, which are part of the program.
enum Asset: Sendable {
  case page, script, style, icon

  /// The file.
  var response: HTTPResponse {
    HTTPResponse(statusCode: .ok, headers: [.contentType: media], body: Data(bytes))
  }

  private var media: String {
    switch self {
    case .page: "text/html; charset=utf-8"
    case .script: "text/javascript; charset=utf-8"
    case .style: "text/css; charset=utf-8"
    case .icon: "image/svg+xml"
    }
  }

  private var bytes: [UInt8] {
    switch self {
    case .page: PackageResources.index_html
    case .script: PackageResources.explorer_js
    case .style: PackageResources.explorer_css
    case .icon: PackageResources.icon_svg
    }
  }
}

/// The description of the API, written once: served, and what tests hold requests against.
enum OpenAPI {
  /// The document.
  static let document = Data(PackageResources.openapi_json)
}
