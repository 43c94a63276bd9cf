// Signatures of https://developer.android.com/reference/android/content
package android.content

import android.content.res.AssetManager
import android.net.Uri
import java.io.InputStream

abstract class ContentResolver {
    abstract fun openInputStream(uri: Uri): InputStream?
}

abstract class Context {
    abstract val assets: AssetManager
    abstract val contentResolver: ContentResolver
}
