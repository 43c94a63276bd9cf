// https://developer.android.com/reference/android/net/Uri
package android.net

abstract class Uri
