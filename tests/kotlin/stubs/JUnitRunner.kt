// https://junit.org/junit4/javadoc/latest/org/junit/runner/RunWith.html
package org.junit.runner

import kotlin.reflect.KClass

annotation class RunWith(val value: KClass<*>)
