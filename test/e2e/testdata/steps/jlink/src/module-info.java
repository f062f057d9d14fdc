module org.example {
}
