"""Commands that throw made-up requests at the API; not part of the test suite, as what they need is not light."""
